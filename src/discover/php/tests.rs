use super::*;
use crate::discover::testing::{describe, links_of};

fn check(tree: &str, present: &[&str], absent: &[&str]) {
    let text = describe(&links_of::<Php>(tree));
    for line in present {
        assert!(text.lines().any(|found| found == *line), "missing `{line}` in\n{text}");
    }
    for part in absent {
        assert!(!text.contains(part), "found `{part}` in\n{text}");
    }
}

#[test]
fn packages_of_the_repository_are_edges() {
    check(
        "== app/composer.json\n{\n\"name\": \"acme/app\",\n\"repositories\": [{\"type\": \"path\", \"url\": \"../packages/*\"}, {\"type\": \"path\", \"url\": \"../gone\"}],\n\"require\": {\n\"php\": \">=8\",\n\"acme/lib\": \"*\"},\n\"require-dev\": {\"Acme/Testing\": \"*\"},\n\"autoload\": {\"psr-4\": {\"A\\\\\": \"src/\", \"S\\\\\": \"../shared/src\"}},\n\"scripts\": {\"test\": \"x\"}\n}\n\
         == packages/lib/composer.json\n{\"name\": \"acme/lib\"}\n== packages/testing/composer.json\n{\"name\": \"acme/testing\"}\n== packages/testing/phpunit.xml.dist\n== shared/src/a.php\n== app/vendor/acme/lib/composer.json\n{\"name\": \"acme/lib\"}\n",
        &[
            "project app Code Admitted [acme/app] Own",
            "edge app -> packages/lib Build app/composer.json:6",
            "edge app -> packages/testing Test app/composer.json:7",
            "input app:build <- shared/src All [] app/composer.json:8",
            "dangling app wants composer.json app/composer.json:3",
            "task app:build `composer install`",
            "task app:test `composer test`",
            "task packages/testing:test `vendor/bin/phpunit`",
        ],
        &["vendor/acme", "task packages/lib:test"],
    );
}

#[test]
fn the_lockfile_is_read_by_package() {
    let manifest = "== a/composer.json\n{\"require\": {\"acme/x\": \"*\", \"psr/log-implementation\": \"*\"}, \"require-dev\": {\"acme/test\": \"*\"}, \"scripts\": {\"test\": \"x\"}}\n";
    let lock = "== a/composer.lock\n{\"packages\": [{\"name\": \"acme/x\", \"version\": \"1\", \"require\": {\"acme/y\": \"*\"}}, {\"name\": \"acme/y\", \"version\": \"1\"}, {\"name\": \"acme/log\", \"version\": \"1\", \"provide\": {\"psr/log-implementation\": \"1\"}}],\n\"packages-dev\": [{\"name\": \"acme/test\", \"version\": \"1\"}]}\n";
    check(
        &format!("{manifest}{lock}"),
        &[
            "slice a:build <- a/composer.lock `acme/x`",
            "slice a:build <- a/composer.lock `psr/log-implementation`",
            "slice a:build <- a/composer.lock `settings`",
            "slice a:test <- a/composer.lock `acme/test`",
            "input a:build <- a Owned [] but a/composer.lock a/composer.json:0",
        ],
        &["slice a:build <- a/composer.lock `acme/test`"],
    );
    check(
        &format!("{manifest}== a/composer.lock\n{{\"packages\": []}}\n"),
        &["input a:build <- a Owned [] a/composer.json:0"],
        &["slice"],
    );
}

#[test]
fn what_only_informs_in_a_lockfile_says_nothing() {
    let slices = |text: &str| read_lock(text.as_bytes()).unwrap().fragments.slices();
    let one = slices(
        "{\"packages\": [{\"name\": \"a/b\", \"version\": \"1\", \"dist\": {\"url\": \"u\", \"shasum\": \"s\"}}], \"content-hash\": \"x\"}",
    );
    assert_eq!(
        one,
        slices(
            "{\"content-hash\": \"y\",\n\"packages\": [{\"dist\": {\"shasum\": \"s\", \"url\": \"u\"},\n\"version\": \"1\", \"name\": \"a/b\", \"time\": \"t\"}]}"
        )
    );
    assert_ne!(
        one,
        slices(
            "{\"packages\": [{\"name\": \"a/b\", \"version\": \"1\", \"dist\": {\"url\": \"u\", \"shasum\": \"t\"}}]}"
        )
    );
    assert_ne!(
        one,
        slices(
            "{\"packages\": [{\"name\": \"a/b\", \"version\": \"1\", \"dist\": {\"url\": \"u\", \"shasum\": \"s\"}}], \"minimum-stability\": \"dev\"}"
        )
    );
}

#[test]
fn one_at_the_root_that_only_installs_tools_owns_nothing_else() {
    check(
        "== composer.json\n{\"require-dev\": {\"phpstan/phpstan\": \"*\"}}\n",
        &["project . Code Admitted [] Shared([\"composer.json\", \"composer.lock\"])"],
        &[],
    );
}

#[test]
fn case_96_a_broken_manifest_is_still_a_project() {
    check("== a/composer.json\n{\n", &["project a Code Admitted [] Own", "task a:test `composer test`"], &[]);
}

#[test]
fn a_published_package_inside_another_is_a_project_and_a_fixture_is_none() {
    let package = "{\"name\": \"a/b\", \"autoload\": {}}";
    check(
        &format!(
            "== a/composer.json\n{package}\n== a/Bridge/X/composer.json\n{package}\n== a/Tests/X/composer.json\n{package}\n== a/bin/composer.json\n{{}}\n"
        ),
        &[
            "project a/Bridge/X Code Admitted [a/b] Own",
            "project a/Tests/X Code Stray [a/b] Own",
            "project a/bin Code Stray [] Own",
        ],
        &[],
    );
}
