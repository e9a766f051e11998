//! The pages in a real browser: runs `tests/browser/pages.test.mjs` with a server that
//! has a link in every state.
//!
//! It needs Chromium, Node.js and `npm ci` in `tests/browser`. If one is missing it prints
//! a message and passes, unless `ONRESERVE_BROWSER` is set.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use onreserve::domain::action_token::{ActionToken, Purpose, SigningKey};
use onreserve::domain::course::{Rights, RightsRule};
use onreserve::domain::policy::course_access::{AllowList, CourseAccess, Readers, Staff};
use onreserve::serve::{ADMIN, CourseRules, ServeSettings};
use serde_json::json;
use tokio::process::Command;

use super::course::{CHANGED, GONE, GONE_PAGE, NEVER, PARKED, REPLACED, TAKEN};
use super::{Server, id, password_login, settings};

#[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
#[tokio::test(flavor = "multi_thread")]
async fn the_pages_work_in_a_browser() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let Some(browser) = browser(&scripts) else {
        assert!(
            std::env::var_os("ONRESERVE_BROWSER").is_none(),
            "ONRESERVE_BROWSER is set, and Chromium, Node.js or `npm ci` in tests/browser is missing"
        );
        eprintln!(
            "NOT TESTED: the pages in a browser; it takes Chromium, Node.js, and `npm ci` in tests/browser"
        );
        return;
    };
    let server = Server::at_its_own_address(shown()).await;
    let mut closed = shown();
    closed.courses[0].admission = password_login::closed_admission();
    let closed = Server::at_its_own_address(closed).await;
    let changed = server.catalogue.captures(&CHANGED.parse().unwrap()).await.unwrap();
    let links = json!({
        "gone": id(GONE), "goneArticle": id(GONE_PAGE), "never": id(NEVER), "replaced": id(REPLACED), "parked": id(PARKED), "taken": id(TAKEN),
        "newest": changed.last().unwrap().capture.id().to_string(),
        "act": signed(Purpose::Act(id(GONE))), "version": signed(Purpose::Act(id(CHANGED))), "letters": signed(Purpose::Subscription),
    });
    let output = Command::new("node")
        .args(["--test", "--test-reporter=tap", "pages.test.mjs"])
        .current_dir(&scripts)
        .env("ONRESERVE_BASE", format!("http://{}", server.address))
        .env("ONRESERVE_CLOSED", format!("http://{}", closed.address))
        .env("ONRESERVE_LINKS", links.to_string())
        .env("CHROMIUM", browser)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("# fail 0") && !printed.contains("# pass 0"), "{printed}");
}

const READER: &str = "i@school.test";

fn key() -> SigningKey {
    SigningKey::parse(&"7".repeat(64)).unwrap()
}

fn signed(purpose: Purpose) -> String {
    let until = "2027-01-01".parse().unwrap();
    ActionToken::new(purpose, &"dgm".parse().unwrap(), &READER.parse().unwrap(), until).signed(&key())
}

/// The person whose name the proxy gives.
fn ann() -> AllowList {
    AllowList { users: ["ann".to_owned()].into(), ..AllowList::default() }
}

/// A dark course, except that copies of changed links are open.
fn shown() -> ServeSettings {
    let mut settings = settings();
    let course = &mut settings.courses[0];
    course.readers = vec![READER.parse().unwrap()];
    let rights = Rights::OpenLicence;
    course.copies.rights.push(RightsRule { pattern: "lab.example".to_owned(), rights });
    course.admission.staff = Some(Staff { password: None, list: ann() });
    settings.proxies.trusted = vec!["127.0.0.0/8".parse().unwrap()];
    let admission = CourseAccess {
        readers: Readers::Named(Some(ann())),
        staff: Some(Staff { password: None, list: ann() }),
    };
    settings.admin = Some(CourseRules { admission, ..CourseRules::new(ADMIN.parse().unwrap()) });
    settings.signing_key = Some(key());
    settings
}

/// A Chromium on the path, if everything else that the scripts need is installed.
fn browser(scripts: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let find =
        |name: &str| std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    find("node")?;
    scripts.join("node_modules/playwright-core").is_dir().then_some(())?;
    find("chromium").or_else(|| find("chromium-browser")).or_else(|| find("google-chrome"))
}
