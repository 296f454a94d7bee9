//! Lockfiles and catalogs of Gradle, read in slices.

use std::collections::BTreeSet;

use super::{check, check_some, names};

/// `a` takes a bundle, a plugin and a version by name, `b` one library, and `c` nothing.
const CATALOG: &str = "\
== settings.gradle.kts
include(\"a\", \"b\", \"c\")
== gradle/libs.versions.toml
[versions]
one = \"1\"
three = { strictly = \"3\" }
tool = \"1\"
[libraries]
one-core = { module = \"g:one\", version.ref = \"one\" }
two = \"g:two:2\"
three_x = { module = \"g:three\", version.ref = \"three\" }
[bundles]
all = [\"one-core\", \"two\"]
[plugins]
made = { id = \"x.made\", version.ref = \"tool\" }
== a/build.gradle.kts
plugins { alias(libs.plugins.made) }
dependencies { implementation(libs.bundles.all) }
val text = \"${libs.versions.three.get()} and more\"
== b/build.gradle
dependencies { implementation libs.three.x.get() }
== c/build.gradle
dependencies { implementation fileTree(dir: 'libs', include: ['*.jar']) }
";

const ALL: [&str; 3] = ["a:build", "b:build", "c:build"];

#[test]
fn case_94_an_alias_reaches_those_who_name_it() {
    let changed = |from: &str, to: &str| CATALOG.replace(from, to);
    check(CATALOG, &changed("one = \"1\"", "one = \"1.1\""), &["a:build"]);
    check(CATALOG, &changed("g:two:2", "g:two:3"), &["a:build"]);
    check(CATALOG, &changed("tool = \"1\"", "tool = \"2\""), &["a:build"]);
    check(CATALOG, &changed("x.made", "x.other"), &["a:build"]);
    check(CATALOG, &changed("strictly = \"3\"", "strictly = \"4\""), &["a:build", "b:build"]);
    check(CATALOG, &changed("g:three", "g:four"), &["b:build"]);
    let more = changed("== a/", "four = \"4\"\n== a/").replace("[plugins]", "[plugins]\n");
    check_some(CATALOG, &more, &ALL, &[]);
}

#[test]
fn case_94_comments_and_order_of_a_catalog_reach_nobody() {
    let turned =
        CATALOG.replace("one = \"1\"\nthree", "# why\n\nthree").replace("[libraries]", "one = '1'\n[libraries]");
    check(CATALOG, &turned, &[]);
    check(CATALOG, &CATALOG.replace("[\"one-core\", \"two\"]", "[\n \"one-core\",\n \"two\",\n]"), &[]);
}

#[test]
fn case_94_what_no_script_names_reaches_all() {
    let more = CATALOG.replace("[libraries]", "[libraries]\nfour = \"g:four:4\"");
    check(&more, &more.replace("g:four:4", "g:four:5"), &ALL);
    let named = more.replace("== c/build.gradle\n", "== c/build.gradle\ndependencies { implementation libs.four }\n");
    check(&named, &named.replace("g:four:4", "g:four:5"), &["c:build"]);
    // What is new is of those alone that name it.
    check(CATALOG, &named, &["c:build"]);
    check(CATALOG, &CATALOG.replace("[versions]", "[metadata]\nformat.version = \"1.1\"\n[versions]"), &ALL);
}

#[test]
fn case_94_a_catalog_is_whole_where_its_use_is_not_known() {
    for (line, is_whole) in [
        ("def l = libs", true),
        ("def l = libs.unknown.call()", true),
        ("def v = extensions.getByType(VersionCatalogsExtension).named('libs').findLibrary(name)", true),
        ("def v = extensions.getByName('libs')", true),
        ("def v = file('../gradle/libs.versions.toml')", true),
        ("with(libs) { implementation two }", true),
        ("def v = \"${libs}\"", true),
        ("def v = \"${ [1].collect { libs } }\"", true),
        ("apply from: 'gone.txt'", false),
        ("flatDir { dirs 'libs' }", false),
        ("def v = project(':a').file('x/libs/y.jar')", false),
        ("// libs = all that there is", false),
        ("def v = libs.three.x", false),
    ] {
        let base = CATALOG.replace("== c/build.gradle\n", &format!("== c/build.gradle\n{line}\n"));
        let bumped = base.replace("g:two:2", "g:two:3");
        let (required, forbidden): (&[&str], &[&str]) = match is_whole {
            true => (&["a:build", "c:build"], &["b:build"]),
            false => (&["a:build"], &["b:build"]),
        };
        check_some(&base, &bumped, required, forbidden);
        if !is_whole && !line.contains("':a'") && !line.contains("gone") {
            check(&base, &bumped, &["a:build"]);
        }
    }
    // A group of aliases may be taken further.
    let group = CATALOG.replace("implementation libs.three.x.get()", "def l = libs.one");
    check(&group, &group.replace("one = \"1\"", "one = \"2\""), &["a:build", "b:build"]);
    // Two aliases of one accessor, a catalog that cannot be read, and one that the settings define.
    for base in [
        CATALOG.replace("two = \"g:two:2\"", "two = \"g:two:2\"\none_core = \"g:x:1\""),
        CATALOG.replace("[versions]", "[versions"),
        CATALOG
            .replace("include(", "dependencyResolutionManagement { versionCatalogs { create(name) { } } }\ninclude("),
    ] {
        check(&base, &base.replace("g:two:2", "g:two:3"), &ALL);
    }
}

/// The settings define catalogs; `a` and `b` take from `tools` and `libs`, `c` from what a library comes with.
const CATALOGS: &str = "\
== settings.gradle.kts
dependencyResolutionManagement {
    versionCatalogs {
        create(\"tools\") { from(files(\"build/tools.versions.toml\")) }
        register(\"kotlinx\") {
            from(files(\"build/kx.versions.toml\"))
        }
    }
}
include(\"a\", \"b\", \"c\")
== gradle/libs.versions.toml
[libraries]
tools = \"g:tools:1\"
== build/tools.versions.toml
[versions]
one = \"1\"
[libraries]
one = { module = \"g:one\", version.ref = \"one\" }
two = \"g:two:2\"
[plugins]
made = { id = \"x.made\", version = \"3\" }
== build/kx.versions.toml
[libraries]
io = \"g:io:1\"
== a/build.gradle.kts
plugins { alias(tools.plugins.made) }
dependencies { implementation(tools.one) }
== b/build.gradle
dependencies { implementation libs.tools, project.tools.two }
== c/build.gradle
dependencies { implementation kotlinx.io }
";

#[test]
fn case_94_catalogs_that_the_settings_define_are_known_by_their_names() {
    let changed = |from: &str, to: &str| CATALOGS.replace(from, to);
    check(CATALOGS, &changed("one = \"1\"", "one = \"2\""), &["a:build"]);
    check(CATALOGS, &changed("version = \"3\"", "version = \"4\""), &["a:build"]);
    check(CATALOGS, &changed("g:two:2", "g:two:3"), &["b:build"]);
    check(CATALOGS, &changed("g:tools:1", "g:tools:2"), &["b:build"]);
    check(CATALOGS, &changed("g:io:1", "g:io:2"), &["c:build"]);
    check(CATALOGS, &changed("== build/kx", "# why\n== build/kx"), &[]);
    check(CATALOGS, &changed("[plugins]", "three = \"g:three:3\"\n[plugins]"), &ALL);
    // In Groovy's words, and in those of delegates.
    for (from, to) in [
        ("create(\"tools\") {", "tools {"),
        (
            "create(\"tools\") { from(files(\"build/tools.versions.toml\")) }",
            "create('tools') { from files('build/tools.versions.toml') }",
        ),
        ("create(\"tools\") {", "val tools by creating {"),
    ] {
        let base = changed(from, to);
        assert_ne!(base, CATALOGS);
        check(&base, &base.replace("g:two:2", "g:two:3"), &["b:build"]);
    }
}

#[test]
fn case_94_a_catalog_that_the_settings_define_is_whole_where_more_than_its_file_is_said() {
    for (from, to) in [
        ("toml\")) }", "toml\")); library(\"x\", \"g\", \"x\").versionRef(\"one\") }"),
        ("from(files(\"build/tools.versions.toml\"))", "from(files(file))"),
        ("register(\"kotlinx\")", "register(\"tools\")"),
        ("register(\"kotlinx\")", "create(name)"),
        ("build/kx.versions.toml\"", "build/tools.versions.toml\""),
        ("include(", "defaultLibrariesExtensionName.set(\"tools\")\ninclude("),
        ("include(", "apply(from = \"more.gradle\")\ninclude("),
    ] {
        let more =
            "== more.gradle\ndependencyResolutionManagement { versionCatalogs { tools { from files('x.toml') } } }\n";
        let base = format!("{}{more}", CATALOGS.replace(from, to));
        assert_ne!(base, format!("{CATALOGS}{more}"));
        check(&base, &base.replace("g:two:2", "g:two:3"), &ALL);
    }
    for line in ["def l = tools", "with(tools) { }", "def v = extensions.getByName('tools')", "def v = \"${tools}\""] {
        let base = CATALOGS.replace("== c/build.gradle\n", &format!("== c/build.gradle\n{line}\n"));
        let found: BTreeSet<String> = names(&base, &base.replace("g:two:2", "g:two:3")).into_iter().collect();
        assert!(found.contains("c:build"), "{line}: {found:?}");
    }
    // Which words of a class are names of catalogs is not known.
    let class = format!("{CATALOGS}== buildSrc/build.gradle\n== buildSrc/src/main/java/P.java\nclass P {{ }}\n");
    check(&class, &class.replace("g:two:2", "g:two:3"), &ALL);
    check(&class, &class.replace("g:tools:1", "g:tools:2"), &["b:build"]);
}

#[test]
fn case_94_two_builds_share_the_file_of_a_catalog() {
    let shared = format!(
        "{CATALOG}\
== buildSrc/settings.gradle.kts
dependencyResolutionManagement {{ versionCatalogs {{ create(\"libs\") {{ from(files(\"../gradle/libs.versions.toml\")) }} }} }}
== buildSrc/build.gradle.kts
dependencies {{ implementation(libs.plugin) }}
== buildSrc/src/main/java/P.java
class P {{ }}
"
    )
    .replace("[bundles]", "plugin = \"g:plugin:1\"\n[bundles]");
    // Each build has the plugins of `buildSrc`; an entry that the root's scripts do not name is one of all of them.
    check_some(&shared, &shared.replace("g:plugin:1", "g:plugin:2"), &["buildSrc:build", "a:build"], &[]);
    check_some(&shared, &shared.replace("g:three", "g:four"), &["b:build"], &["a:build", "c:build", "buildSrc:build"]);
    check(&shared, &shared.replace("g:two:2", "g:two:3"), &["a:build"]);
}

#[test]
fn case_94_plugins_that_are_built_here_may_look_aliases_up() {
    let with =
        |source: &str| format!("{CATALOG}== buildSrc/build.gradle\n== buildSrc/src/main/java/P.java\n{source}\n");
    let plain = with("class P { String name = \"plain\"; }");
    check(&plain, &plain.replace("g:two:2", "g:two:3"), &["a:build"]);
    for source in [
        "class P { void x(VersionCatalog all) { } }",
        "class P { Object x(Project p) { return p.property(\"libs\"); } }",
    ] {
        let looks = with(source);
        check(&looks, &looks.replace("g:two:2", "g:two:3"), &ALL);
        check_some(&plain, &looks, &ALL, &[]);
    }
    // A class may apply a script that lies among the sources.
    let script = |line: &str| format!("{plain}== buildSrc/src/main/groovy/conv.gradle\n{line}\n");
    let idle = script("dependencies { api 'g:four:4' }");
    check(&idle, &idle.replace("g:two:2", "g:two:3"), &["a:build"]);
    let takes = script("dependencies { api libs.two }");
    check(&takes, &takes.replace("g:two:2", "g:two:3"), &ALL);
}

#[test]
fn case_94_scripts_of_others_name_aliases_for_who_runs_them() {
    let root = format!("{CATALOG}== build.gradle\nsubprojects {{ dependencies {{ implementation libs.two }} }}\n");
    check(&root, &root.replace("g:two:2", "g:two:3"), &ALL);
    let applied = CATALOG
        .replace("== c/build.gradle\n", "== gradle/more.gradle\ndependencies { api libs.two }\n== c/build.gradle\napply from: '../gradle/more.gradle'\n");
    check(&applied, &applied.replace("g:two:2", "g:two:3"), &["a:build", "c:build"]);
}

/// `a` depends on `b`; each has a lockfile.
const LOCKED: &str = "\
== settings.gradle
include 'a', 'b'
== a/build.gradle
dependencies {
  implementation project(':b')
  testImplementation 'g:t:1'
}
== a/gradle.lockfile
# This is generated.
g:deep:1=compileClasspath,runtimeClasspath,testRuntimeClasspath
g:t:1=testCompileClasspath,testRuntimeClasspath
empty=annotationProcessor,testAnnotationProcessor
== b/build.gradle
== b/gradle/dependency-locks/compileClasspath.lockfile
g:deep:1
g:other:1
== b/gradle/dependency-locks/testCompileClasspath.lockfile
g:t:1
";

#[test]
fn case_91_a_line_of_a_lockfile_of_gradle_reaches_whose_configurations_have_it() {
    let a = ["a:build", "a:test"];
    let changed = |from: &str, to: &str| LOCKED.replacen(from, to, 1);
    check(LOCKED, &changed("g:t:1=test", "g:t:2=test"), &["a:test"]);
    check(LOCKED, &changed("g:deep:1=", "g:deep:2="), &a);
    check(LOCKED, &changed("g:deep:1=compileClasspath,", "g:deep:1="), &a);
    check(LOCKED, &changed(",testRuntimeClasspath\ng:t", "\ng:t"), &["a:test"]);
    check(LOCKED, &changed(",testAnnotationProcessor", ""), &["a:test"]);
    check(LOCKED, &changed("empty=annotationProcessor", "empty=kapt"), &a);
    check(LOCKED, &changed("g:other:1", "g:other:2"), &["a:build", "a:test", "b:build"]);
    check(LOCKED, &changed("testCompileClasspath.lockfile\ng:t:1", "testCompileClasspath.lockfile\ng:t:2"), &[]);
}

#[test]
fn case_91_comments_and_order_of_a_lockfile_of_gradle_reach_nobody() {
    let turned = LOCKED
        .replace("# This is generated.\n", "# This is not.\n\n")
        .replace("compileClasspath,runtimeClasspath,", "runtimeClasspath,compileClasspath,")
        .replace("g:deep:1\ng:other:1", "g:other:1\r\n# why\ng:deep:1");
    check(LOCKED, &turned, &[]);
}

#[test]
fn case_91_a_lockfile_of_gradle_that_cannot_be_cut_is_read_as_a_whole() {
    let broken = LOCKED.replace("g:t:1=test", "<<<<<<< ours\ng:t:1=test");
    let a = ["a:build", "a:test"];
    check(LOCKED, &broken, &a);
    check(&broken, &broken.replace("g:t:1=test", "g:t:2=test"), &a);
    let without = LOCKED.replace("== a/gradle.lockfile", "== a/gradle.lock");
    check(LOCKED, &without, &a);
    // The build reads sources of tests.
    let moved =
        LOCKED.replace("dependencies {\n", "sourceSets { main { java { srcDir 'src/test/java' } } }\ndependencies {\n");
    check(&moved, &moved.replacen("g:t:1=test", "g:t:2=test", 1), &a);
    // That of the root may hold for all.
    let root = format!("{LOCKED}== gradle.lockfile\ng:x:1=compileClasspath\n");
    check(&root, &root.replace("g:x:1", "g:x:2"), &["a:build", "a:test", "b:build"]);
    check(&root, &root.replace("g:x:1", "# g\ng:x:1"), &[]);
}
