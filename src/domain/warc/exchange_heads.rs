//! The heads of an exchange as the archive keeps them with a capture, in one text: the head of
//! the response whose body is kept, then each request, with the redirect that answered it.
//!
//! The text is in the journal's line of the capture. Captures of earlier versions have it in a
//! blob, some with the first head alone. `visit` writes it.

const END: &str = "\r\n\r\n";

/// A request, and the response head that redirected it; the kept response answered the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentRequest<'a> {
    pub head: &'a str,
    pub redirect: Option<&'a str>,
}

/// What a text of heads says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptHeads<'a> {
    /// The head of the response whose body is kept.
    pub response: &'a str,
    /// The requests in their order, as many as addresses in the chain of the capture; none if
    /// they are not known.
    pub requests: Vec<SentRequest<'a>>,
}

/// The head of the kept response.
pub fn response(text: &str) -> &str {
    text.find(END).map_or(text, |end| text.split_at(end + END.len()).0)
}

/// Reads a text of heads.
pub fn parse(text: &str) -> KeptHeads<'_> {
    let mut requests: Vec<SentRequest<'_>> = Vec::new();
    let (response, heads) = text.split_at(response(text).len());
    for head in heads.split_inclusive(END) {
        match requests.last_mut() {
            Some(request) if head.starts_with("HTTP ") => request.redirect = Some(head),
            _ => requests.push(SentRequest { head, redirect: None }),
        }
    }
    KeptHeads { response, requests }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::address::Address;
    use crate::domain::visit::{Exchange, ExchangeEnd, Headers, Hop};

    fn hop(address: &str, status: u16, sent: &[(&str, &str)]) -> Hop {
        let headers = |pairs: &[(&str, &str)]| {
            Headers(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let received: &[(&str, &str)] = if status == 200 { &[] } else { &[("location", "/b?x=1")] };
        Hop {
            address: Address::parse(address).unwrap(),
            status,
            headers: headers(received),
            sent: headers(sent),
        }
    }

    fn exchange(hops: Vec<Hop>) -> Exchange {
        Exchange {
            asked: hops[0].address.clone(),
            started: Timestamp::UNIX_EPOCH,
            millis: 1,
            hops,
            ending: ExchangeEnd::NotModified,
            cut_at: None,
        }
    }

    #[test]
    fn each_request_has_the_redirect_that_answered_it() {
        let sent = &[("accept", "*/*"), ("host", "a.test")];
        let heads =
            exchange(vec![hop("http://a.test/a", 302, sent), hop("http://a.test/b?x=1", 200, sent)]).heads();
        let redirect = Some("HTTP 302\r\nlocation: /b?x=1\r\n\r\n");
        let first = "GET /a HTTP/1.1\r\naccept: */*\r\nhost: a.test\r\n\r\n";
        let last = "GET /b?x=1 HTTP/1.1\r\naccept: */*\r\nhost: a.test\r\n\r\n";
        let requests =
            vec![SentRequest { head: first, redirect }, SentRequest { head: last, redirect: None }];
        assert_eq!(parse(&heads), KeptHeads { response: "HTTP 200\r\n\r\n", requests });
    }

    #[test]
    fn what_is_not_known_is_not_written() {
        let heads = exchange(vec![hop("http://a.test/a", 200, &[])]).heads();
        assert_eq!(heads, "HTTP 200\r\n\r\n");
        for heads in [&*heads, "HTTP 200\r\ncut", ""] {
            assert_eq!(parse(heads), KeptHeads { response: heads, requests: Vec::new() });
        }
    }
}
