use super::*;
use crate::discover::testing::{describe, links_of};

fn check(tree: &str, present: &[&str], absent: &[&str]) {
    let text = describe(&links_of::<Ruby>(tree));
    for line in present {
        assert!(text.lines().any(|found| found == *line), "missing `{line}` in\n{text}");
    }
    for part in absent {
        assert!(!text.contains(part), "found `{part}` in\n{text}");
    }
}

#[test]
fn gems_by_path_are_edges() {
    check(
        "== app/Gemfile\nsource 'https://gems.example.com'\neval_gemfile '../shared.gemfile'\ngem 'a', path: '../gems/a' # gem 'no', path: '../no'\ngem(\"b\",\n  :path => \"../gems/b\")\ngroup :test, :development do\n  gem 'c', path: File.expand_path('../gems/c', __dir__)\nend\n\
         path '../gems' do\n  gem 'd'\nend\ngem 'gone', path: '../gone'\ngem 'rack'\ngem 'e', path: File.expand_path('../../gems/e', __FILE__)\n\
         == gems/a/a.gemspec\nGem::Specification.new do |s|\n  s.name = 'a'\n  s.add_dependency 'b', '~> 1'\n  s.add_development_dependency('c')\nend\n== gems/a/spec/x.rb\n\
         == gems/b/b.gemspec\nGem::Specification.new { |s|\n s.name = 'b' }\n== gems/c/c.gemspec\nspec.name = 'c'\n== gems/d/d.gemspec\ns.name = 'd'\n== gems/e/e.gemspec\ns.name = 'e'\n== shared.gemfile\n== .ruby-version\n3.3\n",
        &[
            "edge app -> gems/a Build app/Gemfile:3",
            "edge app -> gems/b Build app/Gemfile:4",
            "edge app -> gems/c Test app/Gemfile:7",
            "edge app -> gems/d Build app/Gemfile:10",
            "edge app -> gems/e Build app/Gemfile:14",
            "edge gems/a -> gems/b Build gems/a/a.gemspec:3",
            "edge gems/a -> gems/c Test gems/a/a.gemspec:4",
            "dangling app wants *.gemspec app/Gemfile:12",
            "input app:build <- shared.gemfile All [] app/Gemfile:2",
            "input app:build <- .ruby-version All [] .ruby-version:0",
            "project gems/a Code Admitted [a] Own",
            "task gems/a:build `gem build a.gemspec`",
            "task gems/a:test `bundle exec rspec`",
            "task app:build ``",
        ],
        &["no", "rack"],
    );
}

#[test]
fn the_lockfile_is_read_by_gem() {
    let lock = "== a/Gemfile.lock\nGEM\n  remote: https://gems.example.com/\n  specs:\n    puma (6.0)\n      nio4r (~> 2.0)\n    nio4r (2.7)\n    rake (13.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  puma\n  rake\n\nBUNDLED WITH\n   2.5.0\n";
    check(
        &format!("== a/Gemfile\ngem 'puma'\ngem 'rake', group: :test\n== a/test/x.rb\n{lock}"),
        &[
            "slice a:build <- a/Gemfile.lock `puma`",
            "slice a:build <- a/Gemfile.lock `settings`",
            "slice a:test <- a/Gemfile.lock `rake`",
            "input a:build <- a Owned [] but a/Gemfile.lock a/Gemfile:0",
        ],
        &["slice a:build <- a/Gemfile.lock `rake`"],
    );
    // A name that is worked out may be any.
    check(
        &format!("== a/Gemfile\ngem 'puma'\ngem name\n{lock}"),
        &["input a:build <- a Owned [] a/Gemfile:0"],
        &["slice"],
    );
}

#[test]
fn the_lockfile_says_whether_a_name_means_a_gem_of_ours() {
    let tree = |section: &str| {
        format!(
            "== a/Gemfile\ngem 'b'\n== a/Gemfile.lock\n{section}\n  remote: x\n  specs:\n    b (1.0)\n== b/b.gemspec\ns.name = 'b'\n"
        )
    };
    check(&tree("GEM"), &[], &["edge"]);
    check(&tree("PATH"), &["edge a -> b Build a/Gemfile:1", "slice a:build <- a/Gemfile.lock `b`"], &[]);
}

#[test]
fn gems_of_one_repository_share_the_gemfile_above() {
    check(
        "== Gemfile\ngemspec\ngem 'rake'\n== rails.gemspec\ns.name = 'rails'\ns.add_dependency 'activesupport', version\n== activesupport/activesupport.gemspec\ns.name = 'activesupport'\ns.add_dependency 'i18n'\n== activesupport/test/x.rb\n== activesupport/test/fixtures/Gemfile\n\
         == Gemfile.lock\nPATH\n  remote: .\n  specs:\n    activesupport (8)\n      i18n (1)\n    rails (8)\n      activesupport (= 8)\nGEM\n  specs:\n    i18n (1)\n    rake (13)\n",
        &[
            "edge . -> activesupport Build rails.gemspec:2",
            "project activesupport Code Admitted [activesupport] Own",
            "project activesupport/test/fixtures Code Stray [] Own",
            "slice activesupport:build <- Gemfile.lock `i18n`",
            "slice activesupport:test <- Gemfile.lock `rake`",
            "input activesupport:test <- Gemfile All [] Gemfile:0",
        ],
        &["slice activesupport:build <- Gemfile.lock `rake`"],
    );
}

#[test]
fn a_path_that_is_worked_out_is_a_doubt() {
    let links = links_of::<Ruby>(
        "== a/Gemfile\ngem 'b', path: ENV['B']\ngem 'c', path: \"../#{x}\"\ngem 'd', path: '../' + x\n",
    );
    assert_eq!(links.doubts.len(), 3);
}

#[test]
fn a_gemfile_at_the_root_that_only_installs_tools_owns_nothing_else() {
    check(
        "== Gemfile\ngem 'fastlane'\n",
        &["project . Code Admitted [] Shared([\"Gemfile\", \"Gemfile.lock\", \"Rakefile\"])"],
        &[],
    );
}

#[test]
fn case_96_a_lockfile_with_a_conflict_counts_as_a_whole() {
    check(
        "== a/Gemfile\ngem 'puma'\n== a/Gemfile.lock\nGEM\n<<<<<<< HEAD\n",
        &["input a:build <- a Owned [] a/Gemfile:0"],
        &["slice"],
    );
}
