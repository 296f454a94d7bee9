use super::*;
use crate::discover::testing::{describe, links_of};

fn check(tree: &str, present: &[&str], absent: &[&str]) {
    let text = describe(&links_of::<Cmake>(tree));
    for line in present {
        assert!(text.lines().any(|found| found == *line), "missing `{line}` in\n{text}");
    }
    for part in absent {
        assert!(!text.contains(part), "found `{part}` in\n{text}");
    }
}

#[test]
fn the_topmost_project_reads_what_it_adds_from_elsewhere() {
    check(
        "== app/CMakeLists.txt\ncmake_minimum_required(VERSION 3.20)\nProject(app CXX)\n# include(../no.cmake)\n#[[ include(../no.cmake)\n]]\nadd_subdirectory(../lib lib)\ninclude(\"${CMAKE_CURRENT_LIST_DIR}/../cmake/flags.cmake\")\nadd_subdirectory(src)\nenable_testing()\n\
         == app/src/CMakeLists.txt\nproject(inner)\nfile(GLOB X ${CMAKE_SOURCE_DIR}/../proto/*.proto)\ntarget_include_directories(a PRIVATE ../include ../..)\n== app/include/a.h\n== lib/CMakeLists.txt\nproject(lib)\n== cmake/flags.cmake\n== proto/a.proto\n== no.cmake\n",
        &[
            "project app Code Admitted [app] Own",
            "project lib Code Admitted [lib] Own",
            "edge app -> owner of lib Build app/CMakeLists.txt:6",
            "input app:build <- cmake/flags.cmake All [] app/CMakeLists.txt:7",
            "input app:build <- proto All [] app/src/CMakeLists.txt:2",
            "task app:build `cmake -B build && cmake --build build`",
            "task app:test `cmake -B build && cmake --build build && ctest --test-dir build`",
        ],
        &["no.cmake", "project app/src", "task lib:test", "include All"],
    );
}

#[test]
fn lists_in_the_folder_of_another_project_are_read_all_the_same() {
    check(
        "== CMakeLists.txt\nproject(x)\nadd_subdirectory(python)\n== python/setup.py\n== python/CMakeLists.txt\nadd_library(y y.cc)\n",
        &["input .:build <- python All [] python/CMakeLists.txt:0", "input .:build <- . Owned [] CMakeLists.txt:1"],
        &["project python"],
    );
}

#[test]
fn lists_in_another_project_make_none() {
    check(
        "== go.mod\n== native/CMakeLists.txt\nproject(x)\n== svc/package.json\n== svc/addon/CMakeLists.txt\nproject(y)\n",
        &[],
        &["project", "task"],
    );
    check(
        "== svc/package.json\n== svc/addon/CMakeLists.txt\nproject(y)\n== web/x.txt\n== part/CMakeLists.txt\nadd_library(z)\n",
        &[],
        &["project"],
    );
}

#[test]
fn case_96_hostile_lists_cost_little() {
    for hostile in
        ["(".repeat(1_000_000), "\"".repeat(1_000_001), "[[".repeat(500_000), "#[[".repeat(300_000), "a(\\".to_owned()]
    {
        assert!(Cmake::read(MANIFEST, hostile.as_bytes()).is_ok());
    }
}
