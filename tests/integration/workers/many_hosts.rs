//! A worker that visits many hosts at once, with few connections to the database.

use crate::fetch::site::Reply;
use crate::harness::{Harness, article, page_of};
use crate::service::Service;
use crate::workers::shared_server;

const HOSTS: usize = 300;

/// Hosts with one link each, which answer at once.
async fn harness() -> Harness {
    let names = || (0..HOSTS).map(|n| format!("h{n}.test"));
    let links: Vec<String> = names().map(|host| format!("http://{host}/a")).collect();
    Harness::start(names().chain(["course.test".to_owned()]), move |_, seen| {
        match (&*seen.host, &*seen.target) {
            ("course.test", "/") => {
                Reply::page(&page_of(&links.iter().map(String::as_str).collect::<Vec<_>>()))
            }
            (host, "/a") => Reply::page(&article(&format!("The reading at http://{host}/a"))),
            _ => Reply::not_found(),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_leases_hosts_while_others_wait_for_the_catalogue() {
    let Some(server) = shared_server() else { return };
    let harness = harness().await;
    let configuration = harness.configure(&format!(
        "[catalogue]\nurl = \"{}\"\n[service]\nspread = \"0s\"\nlook = \"never\"\n\
         [[course]]\nid = \"c\"\npage = \"http://course.test/\"\nschedule = \"0 30 2 * * *\"\n",
        server.database().await
    ));
    let start = |now, role| {
        Service::by(&configuration, now, |command| {
            command.args(["--role", role]);
        })
    };
    let worker = start("2026-09-14T14:00:00Z", "worker");
    // The pages of the second night have not changed, so their visits are short.
    for now in ["2026-09-14T14:00:00Z", "2026-09-16T14:00:00Z"] {
        let scheduler = start(now, "scheduler");
        scheduler.says("waiting until").await;
        let log = scheduler.stop().await;
        assert!(log.contains("\"links\":300"), "{log}");
    }
    let log = worker.stop().await;
    assert!(!log.contains("begins anew"), "{log}");
}
