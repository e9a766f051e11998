//! Decisions of staff on the dashboard: filters, one link, and several links at once.

use onreserve::domain::policy::course_access::{AllowList, Staff};
use onreserve::serve::ServeSettings;

use super::course::{CHANGED, GONE, NEVER, NIGHTS, start_of};
use super::{Reply, Server, course, id, settings};

const ANN: (&str, &str) = ("Remote-User", "ann");

/// Everyone reads the course, and Ann is staff by the header of a proxy.
fn with_staff() -> ServeSettings {
    let mut settings = settings();
    let list = AllowList { users: ["ann".to_owned()].into(), ..AllowList::default() };
    settings.courses[0].admission.staff = Some(Staff { password: None, list });
    settings.proxies.trusted = vec!["127.0.0.0/8".parse().unwrap()];
    settings
}

fn form_token(html: &str) -> String {
    html.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// The ids of the rows, in their order.
fn rows(reply: &Reply) -> Vec<String> {
    let html = reply.text();
    let html = html.split("<h2 id=\"links\">").nth(1).unwrap();
    let html = html.split("<h2>").next().unwrap();
    html.split("<li id=\"").skip(1).map(|row| row.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn rows_are_filtered_sorted_and_searched() {
    let server = Server::with(with_staff(), start_of(NIGHTS + 1)).await;
    assert_eq!(server.get("/c/dgm/health").await.status, 403);
    let get = async |query: &str| server.get_with(&format!("/c/dgm/health{query}"), &[ANN]).await;
    let all = rows(&get("").await);
    let dead = rows(&get("?state=dead").await);
    assert!(dead.contains(&id(GONE).to_string()) && dead.len() < all.len(), "{dead:?}");
    let sorted = rows(&get("?sort=state").await);
    assert_eq!(sorted.len(), all.len());
    assert_eq!(sorted[..dead.len()], dead[..], "dead links come first, in the order of the page");
    let found = get("?q=lost+PAPER&state=waiting").await;
    let some = rows(&found);
    assert!(some.contains(&id(GONE).to_string()) && some.len() < dead.len(), "{}", found.text());
    assert!(found.text().contains(&format!("{} of {} links.", some.len(), all.len())), "{}", found.text());
    assert_eq!(rows(&get("?q=zzzz").await).len(), 0);
    assert_eq!(rows(&get("?state=other&sort=other").await), all);
}

#[tokio::test]
async fn several_links_are_decided_at_once_and_the_history_shows_it() {
    let (_dir, archive) = course::copied_archive();
    let server = Server::over(&archive, with_staff(), start_of(NIGHTS + 1)).await;
    let html = server.get_with("/c/dgm/health", &[ANN]).await.text();
    for link in [GONE, NEVER, CHANGED] {
        assert!(html.contains(&format!("href=\"/c/dgm/links/{}\"", id(link))), "{link}");
    }
    let (gone, never, token) = (id(GONE).to_string(), id(NEVER).to_string(), form_token(&html));
    let fields = [("form_token", token.as_str()), ("link", &gone), ("link", &never), ("choice", "accept")];
    assert_eq!(server.post("/c/dgm/decide", &[], &fields).await.status, 403, "a stranger");
    let forged = [("form_token", "x"), ("link", &gone), ("choice", "accept")];
    assert_ne!(server.post("/c/dgm/decide", &[ANN], &forged).await.status, 303);
    let reply = server.post("/c/dgm/decide", &[ANN], &fields).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/c/dgm/health")), "{}", reply.text());
    let html = server.get_with("/c/dgm/health", &[ANN]).await.text();
    assert_eq!(html.matches("no longer reported as dead, by ann.").count(), 2, "{html}");
    let no_day = [("form_token", token.as_str()), ("link", &gone), ("choice", "snooze")];
    let reply = server.post("/c/dgm/decide", &[ANN], &no_day).await;
    assert!(reply.status == 400 && reply.text().contains("Nothing was changed"), "{reply:?}");

    let page = format!("/c/dgm/links/{gone}");
    let act = async |fields: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> = [("form_token", token.as_str())].iter().chain(fields).copied().collect();
        let reply = server.post(&page, &[ANN], &all).await;
        assert_eq!(reply.status, 303, "{}", reply.text());
        server.get_with(&page, &[ANN]).await.text()
    };
    let html = act(&[("choice", "replace"), ("to", "https://papers.example/new.pdf")]).await;
    assert!(html.contains("to be replaced on the page by https://papers.example/new.pdf"), "{html}");
    let html = act(&[("choice", "note"), ("note", "the author <asked>")]).await;
    assert!(html.contains("value=\"the author &#60;asked&#62;\""), "{html}");
    let html = server.get_with("/c/dgm/health", &[ANN]).await.text();
    assert!(html.contains("by ann. Reason given: the author &#60;asked&#62;"), "{html}");
    let html = act(&[("choice", "undo")]).await;
    assert!(!html.contains("to be replaced on the page by"), "{html}");
    let html = server.get_with("/c/dgm/health", &[ANN]).await.text();
    assert!(html.contains("the decision was withdrawn"), "{html}");
    assert_eq!(server.get_with("/c/dgm/links/none", &[ANN]).await.status, 404);
    assert_eq!(server.get(&page).await.status, 403);
}

#[tokio::test]
async fn one_choice_is_recommended_and_each_has_a_sentence() {
    let server = Server::with(with_staff(), start_of(NIGHTS + 1)).await;
    for (link, best) in [
        (GONE, "Use our copy for good"),
        (NEVER, "Stop reporting as dead"),
        (CHANGED, "Accept the new version"),
    ] {
        let html = server.get_with(&format!("/c/dgm/links/{}", id(link)), &[ANN]).await.text();
        assert_eq!(html.matches("Recommended.").count(), 1, "{html}");
        assert!(html.contains(&format!("class=\"best\">{best}</button>")), "{best}: {html}");
        let choices = html.matches("class=\"choice\"").count();
        let sentences = html.split("class=\"choice\"").skip(1).filter(|form| {
            let hint = form.split("<p class=\"quiet\">").nth(1).unwrap().split("</p>").next().unwrap();
            hint.len() > 20
        });
        assert_eq!(sentences.count(), choices);
        assert!(html.find("What should we do?") < html.find("What we know"), "the choices come first");
    }
}
