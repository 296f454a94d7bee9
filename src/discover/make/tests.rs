use super::*;
use crate::discover::testing::{describe, links_of};

fn check(tree: &str, present: &[&str], absent: &[&str]) {
    let text = describe(&links_of::<Make>(tree));
    for line in present {
        assert!(text.lines().any(|found| found == *line), "missing `{line}` in\n{text}");
    }
    for part in absent {
        assert!(!text.contains(part), "found `{part}` in\n{text}");
    }
}

#[test]
fn case_95_a_makefile_alone_reads_what_it_includes() {
    check(
        "== a/Makefile\ninclude ../mk/common.mk\n-include own.mk ../mk/gone.mk\nCFLAGS := -I../include # ../no\n# include ../no\nall: x\nx:\n\tcp ../data/$(NAME).txt $(CURDIR)/../data/y .\ntest:\n\t./x\n\
         == a/src/Makefile\nall:\n== mk/common.mk\n== include/a.h\n== data/y\n== no\n== b/Makefile\nclean:\n\trm x\n",
        &[
            "project a Code Admitted [] Own",
            "input a:build <- mk/common.mk All [] a/Makefile:1",
            "input a:build <- include All [] a/Makefile:3",
            "input a:build <- data All [] a/Makefile:7",
            "edge a -> owner of mk/common.mk Build a/Makefile:1",
            "dangling a wants gone.mk a/Makefile:2",
            "task a:build `make all`",
            "task a:test `make test`",
        ],
        &["no All", "project a/src", "project b"],
    );
}

#[test]
fn a_makefile_beside_or_in_another_project_makes_none() {
    check(
        "== svc/go.mod\n== svc/Makefile\nbuild:\n== svc/tools/Makefile\nbuild:\n== native/CMakeLists.txt\n== native/Makefile\nall:\n",
        &[],
        &["project", "task"],
    );
    check("== Makefile\nbuild:\n== lib/Makefile\nall:\n", &[], &["project"]);
}

#[test]
fn an_include_that_is_worked_out_is_a_doubt() {
    let links = links_of::<Make>("== a/Makefile\ninclude $(TOP)/x.mk\nbuild:\n");
    assert_eq!(links.doubts.len(), 1);
}
