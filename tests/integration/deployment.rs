//! The examples of a deployment in `config` fit the program: their configurations are read by it,
//! and it knows the arguments that they give. `.ci/check-deployment` checks their own formats.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::PROGRAM;

fn config() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines below `key`, without their indentation.
fn block(yaml: &str, key: &str) -> String {
    let lines = yaml.lines().skip_while(|line| line.trim() != key).skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with("    "));
    lines.map(|line| line.strip_prefix("    ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_program_reads_the_configurations_of_the_examples() {
    let in_kubernetes = block(&read(&config().join("kubernetes/configuration.yaml")), "onreserve.toml: |");
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("password");
    std::fs::write(&secret, "secret\n").unwrap();
    for text in [read(&config().join("cluster.toml")), in_kubernetes] {
        assert!(text.contains("[catalogue]\n") && text.contains("[pages]\n"), "{text}");
        let here = |line: &str| match line.split_once(" = ") {
            Some(("password_file", _)) => format!("password_file = {:?}\n", secret.display().to_string()),
            Some(("dir", _)) => format!("dir = {:?}\n", dir.path().join("archive").display().to_string()),
            _ => format!("{line}\n"),
        };
        let text: String = text.lines().map(here).collect();
        let path = dir.path().join("onreserve.toml");
        std::fs::write(&path, text).unwrap();
        let output = Command::new(PROGRAM).arg("check-config").arg(&path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_program_knows_the_arguments_of_the_examples() {
    let files =
        ["compose.yaml", "kubernetes/web.yaml", "kubernetes/worker.yaml", "kubernetes/scheduler.yaml"];
    let mut roles = Vec::new();
    for file in files {
        let text = read(&config().join(file));
        for list in text.split("[serve, ").skip(1) {
            let list = list.split(']').next().unwrap();
            let arguments = list.split(", ").map(|argument| argument.trim_matches('"'));
            let arguments = arguments.map(|argument| match argument {
                "/etc/onreserve/onreserve.toml" => "/no/such/onreserve.toml",
                other => other,
            });
            let output = Command::new(PROGRAM).arg("serve").args(arguments.clone()).output().unwrap();
            let message = String::from_utf8(output.stderr).unwrap();
            // The arguments are parsed before the configuration is read.
            assert!(message.contains("cannot read the configuration"), "{file}: {message}");
            roles.extend(arguments.skip_while(|argument| *argument != "--role").nth(1).map(str::to_owned));
        }
    }
    roles.sort();
    assert_eq!(roles, ["scheduler", "scheduler", "web", "web", "worker", "worker"]);
}
