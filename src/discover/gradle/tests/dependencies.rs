use super::{claims, describe, edges, inputs, links_of};
use crate::discover::gradle::Gradle;

/// A build of `a` with a script, and of `b` and `c-d`.
fn build(script: &str) -> String {
    format!(
        "== settings.gradle\ninclude 'a', 'b', 'c-d', 'e'\n== a/build.gradle\n{script}\n== b/build.gradle\n\n== c-d/build.gradle\n\n== e/build.gradle\n\n"
    )
}

#[test]
fn case_94_configurations_decide_the_kind() {
    for (line, edge) in [
        ("implementation project(':b')", "a -> b Build"),
        ("api(project(\":b\")) { transitive = false }", "a -> b Build"),
        ("anythingElse project(path: ':b', configuration: 'shadow')", "a -> b Build"),
        ("add(\"implementation\", project(\":b\"))", "a -> b Build"),
        ("implementation(project(mapOf(\"path\" to \":b\", \"configuration\" to \"x\")))", "a -> b Build"),
        ("api platform(project(':b'))", "a -> b Build"),
        ("implementation projects.b", "a -> b Build"),
        ("implementation(projects.cD)", "a -> c-d Build"),
        ("testImplementation project(':b')", "a -> b Test"),
        ("androidTestImplementation(projects.b)", "a -> b Test"),
        ("\"integrationTestImplementation\"(project(\":b\"))", "a -> b Test"),
        ("jmh(project(\":b\"))", "a -> b Test"),
        ("testFixturesApi project(':b')", "a -> b Test"),
        ("constraints { api(project(':b')) }", "a -> b Build"),
        ("if (x) { testImplementation(project(':b')) }", "a -> b Test"),
        ("['b'].each { testImplementation project(\":$it\") }", "a -> b Test"),
        ("testLibraries.each { api(project(':b')) }", "a -> b Build"),
    ] {
        assert_eq!(edges(&build(&format!("dependencies {{\n{line}\n}}"))), [edge], "{line}");
    }
}

#[test]
fn blocks_of_tests_decide_the_kind() {
    for (script, edge) in [
        ("kotlin { sourceSets { commonMain { dependencies { api(project(\":b\")) } } } }", "a -> b Build"),
        (
            "kotlin { sourceSets { val commonTest by getting { dependencies { api(project(\":b\")) } } } }",
            "a -> b Test",
        ),
        ("kotlin { sourceSets { commonTest.dependencies { api(project(\":b\")) } } }", "a -> b Test"),
        ("kotlin { sourceSets { named(\"jvmTest\") { dependencies { api(project(\":b\")) } } } }", "a -> b Test"),
        ("testing { suites { register(\"it\") { dependencies { implementation(project(\":b\")) } } } }", "a -> b Test"),
        ("tasks.named('test') { dependsOn(':b:jar') }", "a -> b Test"),
        ("test.dependsOn ':b:jar'", "a -> b Test"),
        ("tasks.named('jar') { dependsOn(\":b:jar\", ':e:jar') }", "a -> b Build"),
        ("evaluationDependsOn(':b')", "a -> b Build"),
        ("jar { from(project(':b').tasks.named('jar')) }", "a -> b Build"),
        ("android { targetProjectPath = ':b' }", "a -> b Build"),
        ("x = \"${project(':b').version}\"", "a -> b Build"),
        ("['b'].each { dep -> dependencies { api project(\":$dep\") } }", "a -> b Build"),
        ("def other = ':b'\ndependencies { api project(other) }", "a -> b Build"),
    ] {
        assert_eq!(edges(&build(script))[0], edge, "{script}");
    }
}

#[test]
fn comments_texts_and_comparisons_are_no_references() {
    for script in [
        "// api project(':b')\n/* project(':b') */",
        "println \"project(':b')\"",
        "if (path == ':b') { }",
        "if (project != project(':b')) { }",
        "x = path in [':b', ':e']",
        "def u = 'https://x/b'",
        "description = '''project(':b')'''",
        "x = y.replaceAll(/['\"]project(\\/')/, '')",
    ] {
        assert_eq!(edges(&build(script)), [""; 0], "{script}");
    }
}

#[test]
fn what_is_computed_is_doubted_or_means_all_that_fit() {
    let unknown = build("dependencies { api project(pathOf('b')) }");
    assert_eq!(
        claims(&unknown, "Warning"),
        ["Warning gradle-project-computed: which project is meant here is not known a/build.gradle:1"]
    );
    assert_eq!(links_of::<Gradle>(&unknown).doubts.len(), 1);
    let fitting = build("dependencies { api project(\":c-${kind()}\") }");
    assert_eq!(edges(&fitting), ["a -> c-d Build"]);
    assert_eq!(links_of::<Gradle>(&fitting).doubts, []);
    let gone = build("dependencies { api project(':gone') }");
    assert_eq!(
        claims(&gone, "Warning"),
        ["Warning gradle-project-unknown: the project `:gone` is not one of the build a/build.gradle:1"]
    );
}

#[test]
fn the_root_speaks_for_the_projects_below() {
    let root = "== build.gradle\n\
        allprojects { dependencies { api project(':b') } }\n\
        subprojects {\n  if (name != 'x') { dependencies { testImplementation project(':e') } }\n}\n\
        project(':a') {\n  dependencies { api project(':c-d') }\n}\n\
        configure(subprojects.findAll { it.name }) { evaluationDependsOn(':b') }\n";
    let tree = format!("{root}{}", build(""));
    assert_eq!(
        edges(&tree),
        [
            "a -> b Build",
            "a -> c-d Build",
            "a -> e Test",
            "b -> e Test",
            "c-d -> b Build",
            "c-d -> e Test",
            "e -> b Build"
        ]
    );
    assert!(claims(&tree, "edge a -> c-d")[0].ends_with("build.gradle:6"));
}

#[test]
fn tests_and_fixtures_of_others_are_read() {
    let tree = format!(
        "{}== b/src/testFixtures/F.java\n\n== b/src/test/T.java\n\n",
        build("dependencies {\ntestImplementation testFixtures(project(':b'))\ntestImplementation project(':c-d').sourceSets.test.output\n}")
            .replace("== b/build.gradle\n", "== b/build.gradle\ndependencies { testFixturesApi project(':e') }")
    );
    assert_eq!(edges(&tree), ["a -> b Test", "a -> c-d Test", "a -> e Test", "b -> e Test"]);
    assert!(inputs(&tree, "a:test").contains(&"b/src/testFixtures All []".to_owned()));
    assert!(!inputs(&tree, "a:build").contains(&"b/src/testFixtures All []".to_owned()));
    assert!(describe(&links_of::<Gradle>(&tree)).contains("reads a:test <- c-d:test"));
    assert_eq!(
        inputs(&tree, "b:build")[0],
        "b Owned [!src/test/** !src/test[A-Z]*/** !src/testFixtures/** !src/*Test/** !src/*Test[A-Z]*/** !src/jmh*/**]"
    );
}

#[test]
fn case_94_build_sources_and_their_plugins_are_read() {
    let tree = format!(
        "{}== buildSrc/build.gradle.kts\n\n== buildSrc/src/main/kotlin/my-convention.gradle.kts\nplugins {{ id(\"my-base\") }}\n\
         == buildSrc/src/main/kotlin/my-base.gradle.kts\ndependencies {{ \"api\"(project(\":e\")) }}\n",
        build("plugins { id 'my-convention' }")
    );
    assert_eq!(
        edges(&tree),
        ["a -> buildSrc Build", "a -> e Build", "b -> buildSrc Build", "c-d -> buildSrc Build", "e -> buildSrc Build"]
    );
    assert!(inputs(&tree, "a:build").contains(&"buildSrc/src/main/kotlin/my-base.gradle.kts All []".to_owned()));
    assert!(!inputs(&tree, "b:build").contains(&"buildSrc/src/main/kotlin/my-base.gradle.kts All []".to_owned()));
}

#[test]
fn case_94_included_builds_provide_plugins_and_modules() {
    let tree = "== settings.gradle\npluginManagement { includeBuild 'build-logic' }\nincludeBuild('../lib') {\n}\nincludeBuild 'lib'\n\
        include 'a', 'b', 'c'\n\
        == build-logic/settings.gradle\ninclude 'conv'\n\
        == build-logic/conv/build.gradle\ngradlePlugin { plugins { x { id = 'my.x' } } }\n\
        == build-logic/conv/src/main/groovy/my.y.gradle\n\n\
        == lib/settings.gradle\ninclude 'core'\n== lib/build.gradle\nallprojects { group = 'org.lib' }\n== lib/core/build.gradle\n\n\
        == a/build.gradle\nplugins { id 'my.x' }\ndependencies { api 'org.lib:core:1.0'\n api 'org.other:core:1' }\n\
        == b/build.gradle\nplugins { id 'my.y'\n id 'java' }\ndependencies { testImplementation group: 'org.lib', name: 'core' }\n\
        == c/build.gradle\nplugins { id 'com.elsewhere' version '1' }\ndependencies { api 'org.shop:a:1' }\n";
    assert_eq!(
        edges(tree),
        ["a -> build-logic/conv Build", "a -> lib/core Build", "b -> build-logic/conv Build", "b -> lib/core Test"]
    );
}

#[test]
fn an_alias_of_a_catalog_may_be_any_plugin_that_is_built_here() {
    let tree = "== settings.gradle.kts\npluginManagement { includeBuild(\"logic\") }\ninclude(\":a\")\n\
        == logic/build.gradle.kts\ngradlePlugin { plugins { register(\"x\") { id = libs.plugins.x.get().pluginId } } }\n\
        == a/build.gradle.kts\nplugins { alias(libs.plugins.x) }\n";
    assert_eq!(edges(tree), ["a -> logic Build"]);
}

#[test]
fn a_substitution_counts_for_who_names_the_module() {
    let tree = format!(
        "== build.gradle\nsubprojects {{ configurations.all {{ resolutionStrategy.dependencySubstitution {{\n\
         substitute(module('g:b')).using(project(':b'))\n}} }} }}\n{}",
        build("dependencies { api 'g:b:1' }")
    );
    assert_eq!(edges(&tree), ["a -> b Build"]);
}
