use super::*;

const EXAMPLE: &str = include_str!("../../config/onreserve.toml");

fn parse(text: &str, path: &Path) -> Result<Configuration, Errors> {
    settings_of(vec![(path.to_owned(), text.to_owned())])
}

/// All errors, one per line.
fn errors(text: &str) -> String {
    messages(&parse(text, Path::new("x.toml")).unwrap_err())
}

fn messages(errors: &Errors) -> String {
    let all = std::iter::once(&errors.first).chain(&errors.more);
    all.map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_valid_and_shows_the_defaults() {
    let shown = parse(EXAMPLE, Path::new("config/onreserve.toml")).unwrap();
    let silent = parse("", Path::new("x.toml")).unwrap();
    assert_eq!(shown.archive, silent.archive);
    assert_eq!(nights_shown(""), nights_shown("[service]\n"));
    let written = EXAMPLE.find("[service]").map(|at| &EXAMPLE[at..]).unwrap();
    let written = &written[..written.find("\n[").unwrap()];
    assert_eq!(nights_shown(written), nights_shown(""));
    let (shown, silent) = (shown.fetch, silent.fetch);
    assert_eq!(shown.delay, silent.delay);
    assert_eq!(shown.allow_private_networks, silent.allow_private_networks);
    assert_eq!(format!("{:?}", shown.limits), format!("{:?}", silent.limits));
}

#[test]
fn the_overview_has_one_way_to_sign_in_and_its_own_id() {
    let course = "[[course]]\nid = \"admin\"\npage = \"https://a.example/\"\n";
    assert!(parse(&format!("[pages]\n{course}"), Path::new("x.toml")).is_ok(), "without an overview");
    let proxied = "[pages]\ntrusted_proxies = [\"127.0.0.1\"]\nadmin = { groups = [\"it\"] }\n";
    assert!(parse(proxied, Path::new("x.toml")).unwrap().pages.unwrap().serve.admin.is_some());
    for (text, words) in [
        ("[pages]\nadmin = { users = [] }\n", "[pages] admin is empty"),
        ("[pages]\nadmin = { groups = [\"it\"] }\n", "no proxy is trusted"),
        (&format!("{proxied}{course}"), "the id `admin` belongs to the overview"),
    ] {
        let printed = errors(text);
        assert!(printed.contains(words), "{words}: {printed}");
    }
}

#[test]
fn a_webhook_has_an_address_and_its_course_names_it() {
    let course = "[[course]]\nid = \"a\"\npage = \"https://a.example/\"\nwebhooks = [\"chat\"]\n";
    let chat = "[[webhook]]\nname = \"chat\"\nform = \"slack\"\nurl = \"https://chat.example/x\"\n";
    assert_eq!(parse(&format!("{chat}{course}"), Path::new("x.toml")).unwrap().webhooks.len(), 1);
    for (text, words) in [
        (course.to_owned(), "no [[webhook]] with the name `chat`"),
        (format!("{chat}{chat}"), "two webhooks have the name `chat`"),
        (chat.replace("form = \"slack\"\n", ""), "the receiver needs a secret"),
        (chat.replace("url = \"https://chat.example/x\"\n", ""), "it has no address"),
        (chat.replace("https://chat.example/x", "chat"), "not a web address"),
        (chat.replace("slack", "slak"), "slack"),
    ] {
        let printed = errors(&text);
        assert!(printed.contains(words) && !printed.contains("chat.example"), "{words}: {printed}");
    }
}

/// The nights and rechecks of a course without a schedule.
fn nights_shown(service: &str) -> String {
    let text = format!("{service}\n[[course]]\nid = \"a\"\npage = \"https://a.example/\"\n");
    format!("{:?}", parse(&text, Path::new("x.toml")).unwrap().daemon)
}

/// The example with the lines of `[mail]` that are commented out.
#[test]
fn the_example_names_every_key_of_mail() {
    let start = EXAMPLE.find("# [mail]").unwrap();
    let (mail, rest) = EXAMPLE[start..].split_once("\n\n").unwrap();
    let key = |line: &str| {
        line.strip_prefix("# ").filter(|line| line.contains(" = ") || *line == "[mail]").map(str::to_owned)
    };
    let keys: Vec<String> = mail.lines().filter_map(key).collect();
    let ways = ["sendmail", "directory", "extra_ca", "password_file", "user", "dkim"];
    let without = keys.iter().filter(|key| !ways.iter().any(|way| key.starts_with(way)));
    let text: Vec<&str> = without.map(String::as_str).collect();
    let settings = parse(&format!("{}\n{rest}", text.join("\n")), Path::new("x.toml")).unwrap();
    assert_eq!(settings.courses[0].report_to.len(), 1);
    let shown = settings.mail.unwrap();
    let bare = parse("[mail]\nfrom = \"o@a.edu\"\nhost = \"smtp.school.example\"", Path::new("x")).unwrap();
    assert_eq!(format!("{:?}", shown.way), format!("{:?}", bare.mail.unwrap().way));
    for way in ways {
        assert!(keys.iter().any(|key| key.starts_with(way)), "{way}");
    }
}

/// The example with the lines of `[pages.oidc]` that are commented out.
#[test]
fn the_example_names_every_key_of_the_identity_provider() {
    let start = EXAMPLE.find("# [pages.oidc]").unwrap();
    let part = EXAMPLE[start..].split("\n\n").next().unwrap();
    let keys: Vec<&str> = part
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.contains(" = ") || line.starts_with('['))
        .collect();
    for key in ["client_secret_file", "extra_ca"] {
        assert!(keys.iter().any(|line| line.starts_with(key)), "{key}");
    }
    let without_files =
        keys.iter().filter(|line| !line.starts_with("client_secret_file") && !line.starts_with("extra_ca"));
    let part: Vec<&str> = without_files.copied().collect();
    let pages = format!("[pages]\nbase_url = \"https://a.edu\"\n{}\n", part.join("\n"));
    let course = "[[course]]\nid = \"a\"\npage = \"https://a.example/\"\naccess = \"oidc\"\n";
    let settings = parse(&format!("{pages}{course}"), Path::new("x.toml")).unwrap();
    let shown = settings.pages.unwrap().serve;
    let oidc = shown.oidc.unwrap();
    assert_eq!(
        (oidc.name_claim.as_str(), oidc.scopes.as_str()),
        ("preferred_username", "openid profile email")
    );
    assert!(shown.courses[0].admission.uses_oidc());
    assert!(errors(&format!("[pages]\n{course}")).contains("[pages.oidc]"));
    assert!(errors(&pages.replace("base_url", "# base_url")).contains("/oidc/callback"));
}

#[test]
fn without_mail_settings_no_course_has_recipients() {
    let settings = parse(EXAMPLE, Path::new("x.toml")).unwrap();
    assert!(settings.courses[0].report_to.is_empty());
}

#[test]
fn a_term_is_written_as_dates_or_as_words() {
    for term in ["first = 2026-09-21, last = 2026-12-11", "first = \"2026-09-21\", last = \"2026-12-11\""] {
        let text = format!("[[course]]\nid = \"a\"\npage = \"https://a.example/\"\nterm = {{ {term} }}");
        let course = parse(&text, Path::new("x.toml")).unwrap().courses.remove(0);
        assert_eq!(course.term.unwrap().last, jiff::civil::date(2026, 12, 11));
    }
}

#[test]
fn every_syntax_error_is_reported_with_its_position() {
    let text = "[fetch]\ndelai = \"2s\"\nhosts_at_once = \"many\"\nsentinels = [\n  \"x\",\n]\n\
                [[course]]\nid = \"Ünicode\"\nterm = { first = 2026-13-01, last = 2026-12-01 }\n\
                page = \"https://a.example/\"\nreport_to = [\"no-address\"]\n[mail]\nform = \"x\"\n";
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.toml");
    std::io::Write::write_all(&mut std::fs::File::create_new(&path).unwrap(), text.as_bytes()).unwrap();
    let all = messages(&check(&path).unwrap_err());
    for place in ["line 2,", "line 3,", "line 5,", "line 8,", "line 9,", "line 11,", "line 13,"] {
        assert!(all.contains(place), "{place}\n{all}");
    }
}

/// Each line with the column of its error and a word of its message.
#[test]
fn every_error_is_reported_with_its_position() {
    let lines = [
        ("[fetch]", None),
        ("delya = \"3s\"", Some((1, "`delay`"))),
        ("hosts_at_once = 0", Some((17, "the default is 64"))),
        ("page_timeout = \"-1s\"", Some((16, "as in \"2s\""))),
        ("[fetch.delays]", None),
        ("\"slow.example\" = \"-2s\"", Some((18, "not a duration"))),
        ("[service]", None),
        ("spread = \"48h\"", Some((10, "0s to 12h"))),
        ("look = \"noon\"", Some((8, "13:00"))),
        ("ping_url = \"ftp://watcher\"", Some((12, "https://"))),
        ("[mail]", None),
        ("from = \"no-address\"", Some((8, "onreserve@school.edu"))),
        ("host = \"smtp.school.example\"", None),
        ("security = \"none\"", Some((12, "use \"starttls\""))),
        ("unsubscribe_url = \"http://a.example\"", Some((19, "https://"))),
        ("[pages]", None),
        ("listen = 8080", Some((10, "socket address"))),
        ("base_url = \"school\"", Some((12, "write for example"))),
        ("trusted_proxies = [\"127.0.0.1\", \"0.0.0.0/0\"]", Some((33, "address of the proxy"))),
        ("monitors = [\"everywhere\"]", Some((13, "10.1.0.0/16"))),
        ("user_header = \"Remote User\"", Some((15, "Remote-User"))),
        ("[[course]]", None),
        ("id = \"a\"", None),
        ("page = \"ftp://a.example/\"", Some((8, "course `a`"))),
        ("time_zone = \"Mars\"", Some((13, "America/Chicago"))),
        ("schedule = \"30 2 * * *\"", Some((12, "write six"))),
        ("term = { first = 2026-09-21, last = 2026-01-01 }", Some((8, "swap"))),
        ("access = \"password\"", Some((10, "hash-password"))),
        ("staff = { users = [] }", Some((9, "staff is empty"))),
        ("[[course]]", None),
        ("id = \"a\"", Some((6, "another id"))),
        ("page = \"https://a.example/\"", None),
        ("readers = { users = [\"ann\"] }", Some((11, "add access"))),
        ("[[course]]", Some((1, "has no page"))),
        ("id = \"c\"", None),
        ("[[course]]", None),
        ("id = \"d\"", None),
        ("pgae = \"https://d.example/\"", Some((1, "`pgae`"))),
    ];
    let text = lines.map(|(line, _)| line).join("\n");
    let all = errors(&text);
    let mut wanted = 0;
    for (nth, (line, message)) in lines.iter().enumerate() {
        let Some((column, word)) = message else { continue };
        wanted += 1;
        let place = format!("line {}, column {column}", nth + 1);
        let message = all.split("x.toml: ").find(|message| message.contains(&place));
        assert!(message.is_some_and(|message| message.contains(word)), "{line}: {place}: {word}\n{all}");
    }
    assert_eq!(all.matches("x.toml: ").count(), wanted, "there are no other errors: {all}");
    assert!(!all.contains("ftp://watcher"), "the ping address is a secret");
}

#[test]
fn errors_have_the_file_of_their_course() {
    let course = |more: &str| format!("[[course]]\nid = \"a\"\npage = \"https://a.example/\"\n{more}");
    let files = [
        ("x.toml", course("")),
        ("courses.d/1.toml", format!("\n{}", course("time_zone = \"Mars\"\n"))),
        ("courses.d/2.toml", "[[course]]\n".to_owned()),
    ];
    let files = files.map(|(path, text)| (PathBuf::from(path), text)).to_vec();
    let all = messages(&settings_of(files).unwrap_err());
    for place in [
        "courses.d/1.toml: line 3, column 6: two courses",
        "courses.d/1.toml: line 5, column 13: ",
        "courses.d/2.toml: line 1, column 1: the key `id` is missing",
    ] {
        assert!(all.contains(place), "{place}\n{all}");
    }
}

#[test]
fn the_archive_is_found_without_the_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("onreserve.toml");
    let text = "[archive]\ndir = \"kept\"\n[mail]\nfrom = \"o@school.edu\"\nhost = \"relay\"\nuser = \"o\"\n\
                password_file = \"none\"\n";
    std::io::Write::write_all(&mut std::fs::File::create_new(&path).unwrap(), text.as_bytes()).unwrap();
    assert!(read(&path).is_err());
    assert_eq!(archive_of(&path).unwrap().0, ArchivePlace::from(Path::new("kept")));
    assert!(archive_of(&dir.path().join("none.toml")).is_err());
}

#[test]
fn courses_are_also_read_from_courses_d() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("onreserve.toml");
    let file = |path: &Path, text: &str| {
        std::io::Write::write_all(&mut std::fs::File::create_new(path).unwrap(), text.as_bytes()).unwrap();
    };
    let course = |id: &str| format!("[[course]]\nid = \"{id}\"\npage = \"https://a.example/\"\n");
    std::fs::create_dir(dir.path().join("courses.d")).unwrap();
    file(&path, &course("a"));
    file(&dir.path().join("courses.d/2.toml"), &course("c"));
    file(&dir.path().join("courses.d/1.toml"), &course("b"));
    file(&dir.path().join("courses.d/old.toml.bak"), "nonsense");
    let ids = |settings: Configuration| {
        settings.courses.into_iter().map(|it| it.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(read(&path).unwrap()), ["a", "b", "c"]);
    file(&dir.path().join("courses.d/3.toml"), "[fetch]\ndelay = \"1s\"\n");
    let message = check(&path).unwrap_err().first.to_string();
    assert!(message.contains("3.toml") && message.contains("fetch"), "{message}");
}

#[test]
fn an_error_says_where_it_is() {
    let message = errors("[fetch]\ndelai = \"2s\"");
    assert!(message.contains("line 2, column 1") && message.contains("`delai`"), "{message}");
    let course = "[[course]]\nid = \"a\"\npage = \"https://a.example/\"\n";
    assert!(errors(&format!("{course}{course}")).contains("two courses"));
    assert!(errors(&format!("{course}time_zone = \"Mars\"")).contains("America/Chicago"));
    assert!(errors(&format!("{course}term = {{ first = 2026-09-21, last = 2026-01-01 }}")).contains("swap"));
    assert!(errors("[[course]]\nid = \"a\"").contains("has no page"));
    assert!(errors(&format!("{course}schedule = \"30 2 * * *\"")).contains("course `a`: `30 2 * * *` has 5"));
    assert!(errors("[service]\nlook = \"noon\"").contains("13:00"));
    assert!(errors("[service]\nspread = \"2d\"").contains("spread"));
    assert!(!errors("[service]\nping_url = \"ftp://secret\"").contains("secret"));
    let mistyped = errors("[mail]\nfrom = \"o@school.edu\"\npassword = \"secret\"");
    assert!(mistyped.contains("line 3, column 1") && !mistyped.contains("secret"), "{mistyped}");
    assert!(errors("[fetch]\nhosts_at_once = 0").contains("the default is 64"));
}

/// Each value that is accepted but cannot be meant, with its line and what to do.
#[test]
fn values_that_cannot_be_meant_are_warned_of() {
    let text = "[[course]]\nid = \"a\"\npage = \"school.edu/course.html\"\n\
                report_to = [\"ann@school.edu\", \"me@school\"]\n\
                [[course]]\nid = \"b\"\npages = [\"https://school.example/\", \"missing.md\"]\n";
    let warnings = parse(text, Path::new("x.toml")).unwrap().warnings();
    let expected = [
        ("line 3, column 8: ", "https://school.edu/course.html"),
        ("line 4, column 13: ", "there is no [mail] section"),
        ("line 4, column 32: ", "`me@school` has no complete domain"),
        ("line 7, column 10: ", "`https://school.example/` is a value of the example"),
        ("line 7, column 37: ", "there is no file `missing.md`; correct the path"),
    ];
    assert_eq!(warnings.len(), expected.len(), "{warnings:#?}");
    for ((place, words), warning) in expected.iter().zip(&warnings) {
        assert!(warning.contains(place) && warning.contains(words), "{place}{words}\n{warning}");
    }
    let empty = parse("", Path::new("x.toml")).unwrap().warnings();
    assert_eq!(empty, ["x.toml: it has no course; add a [[course]] with an id and a page"]);
    let untouched = parse(EXAMPLE, Path::new("x.toml")).unwrap().warnings().join("\n");
    for value in
        ["`library@school.example`", "`https://school.example/dgm.html`", "`instructor@school.example`"]
    {
        assert!(untouched.contains(&format!("{value} is a value of the example")), "{untouched}");
    }
}

#[test]
fn wrong_types_and_misspelt_keys_say_what_to_write() {
    let text = "[fetch]\ndelay = 2\nhosts_at_once = \"many\"\n[pagse]\nlisten = \"127.0.0.1:1\"\n\
                [[course]]\nid = \"a\"\npage = 5\ncopies = \"drak\"\nreport_to = \"ann@school.edu\"\n";
    let all = errors(text);
    for message in [
        "line 2, column 9: delay: expected a duration such as \"2s\", found integer `2`",
        "line 4, column 2: unknown key `pagse`; did you mean `pages`?",
        "line 8, column 8: page: expected a text, found integer `5`; put it in quotes",
        "line 9, column 10: copies: unknown value `drak`; did you mean `dark`?",
        "line 10, column 13: report_to: expected a list; put the values in brackets",
    ] {
        assert!(all.contains(message), "{message}\n{all}");
    }
    assert_eq!(all.lines().count(), 6, "{all}");
    assert!(errors("[course]\nid = \"a\"").contains("two brackets"));
}

#[test]
fn pages_behind_a_proxy_that_is_not_trusted_are_warned_of() {
    let warnings = |base_url: &str, rest: &str| {
        let text = format!(
            "[pages]\nbase_url = \"{base_url}\"\n{rest}\n[[course]]\nid = \"a\"\npage = \"https://a.edu/\"\n"
        );
        parse(&text, Path::new("x.toml")).unwrap().warnings()
    };
    let [warning] = &warnings("https://links.a.edu", "")[..] else { panic!("one warning") };
    assert!(warning.contains("trusted_proxies = [\"127.0.0.1\"]"), "{warning}");
    assert_eq!(warnings("https://links.a.edu", "trusted_proxies = [\"127.0.0.1\"]"), [""; 0]);
    assert_eq!(warnings("https://links.a.edu", "listen = \"192.0.2.1:443\""), [""; 0]);
    assert_eq!(warnings("http://127.0.0.1:8080", ""), [""; 0]);
}

#[test]
fn crawl_budgets_are_for_each_host_or_for_one() {
    let budgets = |keys: &str| {
        let text = format!("[fetch]\n{keys}\n[[course]]\nid = \"a\"\npage = \"https://a.edu/\"\n");
        parse(&text, Path::new("x.toml")).map(|settings| settings.fetch.crawl_budgets)
    };
    let of = |keys: &str, host: &str| budgets(keys).unwrap().of_host(host).map(std::num::NonZeroU32::get);
    let keys = "crawl_budget = 300\ncrawl_budgets = { \"arXiv.org\" = 500 }";
    assert_eq!((of(keys, "arxiv.org"), of(keys, "b.edu")), (Some(500), Some(300)));
    assert_eq!(of("crawl_budgets = { \"arxiv.org\" = 500 }", "b.edu"), None);
    assert!(budgets("").unwrap().is_empty());
    let none = messages(&budgets("crawl_budget = 0\ncrawl_budgets = { \"b.edu\" = 0 }").unwrap_err());
    for message in ["crawl_budget is 0, which visits no link", "crawl_budgets of b.edu is 0"] {
        assert!(none.contains(message), "{none}");
    }
}
