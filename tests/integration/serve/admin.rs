//! The overview of all courses, for the person who runs the service.

use std::collections::BTreeSet;

use onreserve::domain::policy::course_access::{AllowList, CourseAccess, Readers, Staff};
use onreserve::domain::policy::night_plan::NightPace;
use onreserve::serve::{ADMIN, CourseRules, ServeSettings};

use super::course::{NIGHTS, start_of};
use super::password_login::hash;
use super::{Server, settings};

const PASSWORD: &str = "a word for administrators";

fn open_to(staff: Staff, readers: Readers) -> ServeSettings {
    let admission = CourseAccess { readers, staff: Some(staff) };
    let admin = CourseRules {
        title: "the overview of all courses".to_owned(),
        admission,
        ..CourseRules::new(ADMIN.parse().unwrap())
    };
    let pace = NightPace { pause: std::time::Duration::from_secs(2), ..NightPace::default() };
    let mut settings = ServeSettings { admin: Some(admin), pace, ..settings() };
    settings.courses.push(CourseRules::new("new".parse().unwrap()));
    settings
}

#[tokio::test]
async fn the_overview_opens_with_its_password_and_shows_every_course() {
    let none = Server::start().await;
    let reply = none.get("/admin/").await;
    assert!(reply.status == 404 && reply.text().contains("The overview is closed"), "{reply:?}");

    let staff = Staff { password: Some(hash(PASSWORD)), ..Staff::default() };
    let closed = Readers::Named(Some(AllowList::default()));
    let server = Server::with(open_to(staff, closed), start_of(NIGHTS + 1)).await;
    let reply = server.get("/admin/").await;
    assert_eq!((reply.status, reply.header("cache-control")), (401, Some("no-store")));
    assert!(reply.text().contains("Sign in to the overview of all courses"), "{}", reply.text());
    let wrong = server.post("/c/admin/login", &[], &[("password", "another word"), ("role", "staff")]).await;
    assert_ne!(wrong.status, 303);
    let fields = [("password", PASSWORD), ("role", "staff"), ("next", "/admin/")];
    let reply = server.post("/c/admin/login", &[], &fields).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/admin/")), "{}", reply.text());
    let cookie = reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let reply = server.get_with("/admin/", &[("Cookie", &cookie)]).await;
    let html = reply.text();
    assert_eq!(reply.status, 200, "{html}");
    assert!(html.contains("href=\"/c/dgm/health\"") && html.contains("href=\"/c/new/health\""), "{html}");
    assert!(html.contains("<td>2026-09-18 02:30 UTC</td>") && html.contains("not checked yet"), "{html}");
    assert!(html.contains("<td>23</td><td>5</td>"), "links and dead links: {html}");
    for words in ["The slowest host is ", "of disk space is free", "No email is waiting to be sent."] {
        assert!(html.contains(words), "{words}: {html}");
    }
    assert!(!html.contains("<script") && !html.contains("<img"));
    let other = server.get_with("/c/dgm/health", &[("Cookie", &cookie)]).await;
    assert_eq!(other.status, 200, "the dashboard of this course is open to readers");
    assert_eq!(server.get("/c/admin/").await.status, 404, "it is no course");
}

#[tokio::test]
async fn a_group_of_the_school_opens_the_overview() {
    let list = AllowList { users: BTreeSet::default(), groups: ["it".to_owned()].into() };
    let readers = Readers::Named(Some(list.clone()));
    let mut settings = open_to(Staff { password: None, list }, readers);
    settings.proxies.trusted = vec!["127.0.0.0/8".parse().unwrap()];
    let server = Server::with(settings, start_of(NIGHTS + 1)).await;
    let of = async |groups: &str| {
        server.get_with("/admin/", &[("Remote-User", "ann"), ("Remote-Groups", groups)]).await.status
    };
    assert_eq!((of("it,dgm").await, of("dgm").await), (200, 403));
    assert_eq!(server.get("/admin/").await.status, 403);
}
