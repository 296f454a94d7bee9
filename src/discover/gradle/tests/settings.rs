use super::{claims, edges, projects};

#[test]
fn case_94_settings_include_projects_in_all_notations() {
    let tree = "== settings.gradle\n\
        rootProject.name = 'shop' // include 'no'\n\
        include 'a', // the first\n  ':b:c',\n  /* include 'no' */ \"d\"\n\
        include(':e')\ninclude([':f', ':g'] as String[])\n\
        ['h', 'i'].each { name ->\n  include \"lib-$name\"\n  project(\":lib-$name\").projectDir = new File(settingsDir, \"libs/$name\")\n}\n\
        for (n in ['j']) { include n }\n\
        def more = [':k']\nmore.each { include it }\n\
        project(':e').projectDir = file('elsewhere/e')\n\
        == a/build.gradle\n\n== b/c/build.gradle\n\n== d/x\n\n== elsewhere/e/x\n\n== f/x\n\n== g/x\n\n\
        == libs/h/x\n\n== libs/i/x\n\n== j/x\n\n== k/x\n\n== no/build.gradle\n\n";
    assert_eq!(
        projects(tree),
        [
            ". Admitted",
            "a Admitted",
            "b/c Admitted",
            "d Admitted",
            "elsewhere/e Admitted",
            "f Admitted",
            "g Admitted",
            "j Admitted",
            "k Admitted",
            "libs/h Admitted",
            "libs/i Admitted",
            "no Stray"
        ]
    );
    assert_eq!(claims(tree, "Warning"), [""; 0]);
    assert_eq!(claims(tree, "project libs/h"), ["project libs/h Code Admitted [:lib-h] Own"]);
    assert_eq!(
        claims(tree, "project . "),
        [
            "project . Workspace Admitted [shop] Shared([\"*.gradle\", \"*.gradle.kts\", \"gradle.properties\", \"gradle/**\", \"gradlew*\", \"*.lockfile\", \"src/**\"])"
        ]
    );
}

#[test]
fn kotlin_settings_include_projects_in_all_notations() {
    let tree = "== settings.gradle.kts\n\
        include(\":a\", \":b\")\nlistOf(\"c\", \"d\").forEach { include(\":$it\") }\n\
        val more = arrayOf(\":e\")\ninclude(*more)\nfor (name in listOf(\"f\")) {\n  include(name)\n}\n\
        project(\":a\").projectDir = file(\"x/a\")\nfindProject(\":b\")?.name = \"bee\"\n\
        include(\":\" + \"g\")\n\
        == x/a/z\n\n== b/build.gradle.kts\n\n== c/z\n\n== d/z\n\n== e/z\n\n== f/z\n\n== g/z\n\n\
        == c/build.gradle.kts\ndependencies { api(project(\"::bee\"))\n testImplementation(projects.bee) }\n";
    let folders: Vec<String> = projects(tree).iter().map(|line| line.replace(" Admitted", "")).collect();
    assert_eq!(folders, [".", "b", "c", "d", "e", "f", "g", "x/a"]);
    assert_eq!(edges(tree), ["c -> b Build", "c -> b Test"]);
}

#[test]
fn names_are_filled_in_from_variables_and_properties() {
    let tree = "== settings.gradle\ndef kind = 'core'\ninclude \"lib-$kind\", \"lib-${suffix}\"\n\
        == gradle.properties\n# suffix=no\nsuffix=web\nsigning.password=hunter2\n== lib-core/x\n\n== lib-web/x\n\n";
    assert_eq!(projects(tree), [". Admitted", "lib-core Admitted", "lib-web Admitted"]);
}

#[test]
fn what_is_computed_widens_to_every_script_below() {
    let tree = "== settings.gradle\nfileTree('.') { include '**/build.gradle' }.each { include it.parentFile.name }\n\
        == a/build.gradle\n\n== b/c/build.gradle\ndependencies { api project(':a') }\n\
        == a/src/test/resources/f/build.gradle\n\n== other/settings.gradle\n\n== other/build.gradle\n\n";
    assert_eq!(
        projects(tree),
        [". Admitted", "a Admitted", "a/src/test/resources/f Stray", "b/c Admitted", "other Admitted"]
    );
    assert_eq!(
        claims(tree, "Warning"),
        [
            "Warning gradle-include-computed: which projects are included here is not known, so every build script below counts settings.gradle:1"
        ]
    );
    assert_eq!(edges(tree), ["b/c -> a Build"]);
}

#[test]
fn names_lead_to_the_one_project_that_has_them_where_includes_are_computed() {
    let tree = "== settings.gradle.kts\nfun module(path: String) {\n  val name = path.substringAfterLast(\"/\")\n  include(name)\n\
        project(\":$name\").projectDir = file(path)\n}\nmodule(\"x/lib-one\")\nmodule(\"y/lib-two\")\n\
        == x/lib-one/build.gradle.kts\ndependencies { api(project(\":lib-two\")) }\n\
        == y/lib-two/build.gradle.kts\nkotlin { sourceSets { commonTest.dependencies { api(projects.libOne) } } }\n";
    assert_eq!(edges(tree), ["x/lib-one -> y/lib-two Build", "y/lib-two -> x/lib-one Test"]);
    assert_eq!(claims(tree, "task y/lib-two:test").len(), 1);
}

#[test]
fn a_list_that_is_added_to_is_not_known() {
    for change in ["more << 'b'", "more += 'b'", "more.add('b')"] {
        let tree = format!(
            "== settings.gradle\ndef more = ['a']\n{change}\nmore.each {{ include it }}\n== b/build.gradle\n\n"
        );
        assert_eq!(claims(&tree, "Warning gradle-include-computed").len(), 1, "{change}");
        assert_eq!(projects(&tree), [". Admitted", "b Admitted"]);
    }
}

#[test]
fn build_files_of_other_names_are_found() {
    let tree = "== settings.gradle\ninclude 'a', 'b'\nrootProject.children.each { it.buildFileName = it.name + '.gradle' }\n\
        == a/a.gradle\ndependencies { api project(':b') }\n== b/b.gradle\n\n";
    assert_eq!(edges(tree), ["a -> b Build"]);
}

#[test]
fn settings_apply_scripts_that_include() {
    let tree = "== settings.gradle\napply from: 'gradle/projects.gradle'\n\
        == gradle/projects.gradle\ninclude ':a'\n== a/x\n\n";
    assert_eq!(projects(tree), [". Admitted", "a Admitted"]);
    assert!(super::inputs(tree, "a:build").contains(&"gradle/projects.gradle All []".to_owned()));
}

#[test]
fn nested_builds_fixtures_and_strays_are_told_apart() {
    let tree = "== settings.gradle\ninclude 'a'\n== a/build.gradle\n\n== examples/settings.gradle\ninclude 'x'\n\
        == examples/x/build.gradle\n\n== a/src/test/fix/settings.gradle\ninclude 'y'\n== a/src/test/fix/y/build.gradle\n\n\
        == loose/build.gradle\n\n";
    assert_eq!(
        projects(tree),
        [
            ". Admitted",
            "a Admitted",
            "a/src/test/fix Stray",
            "a/src/test/fix/y Stray",
            "examples Admitted",
            "examples/x Admitted",
            "loose Stray"
        ]
    );
    assert_eq!(projects("== svc/build.gradle\n\n"), ["svc Admitted"]);
}

#[test]
fn a_project_that_is_not_there_is_told() {
    let tree = "== settings.gradle\ninclude ':gone'\n";
    assert_eq!(
        claims(tree, "Warning"),
        ["Warning gradle-project-missing: the folder `gone` of the project `:gone` does not exist settings.gradle:1"]
    );
}

#[test]
fn case_96_broken_scripts_are_still_planned() {
    let settings = "== settings.gradle\ninclude ':a'\n'''\n== a/build.gradle\n\n";
    assert_eq!(projects(settings), [". Admitted", "a Admitted"]);
    let script = "== settings.gradle\ninclude ':a'\n== a/build.gradle\ndependencies {\n";
    assert_eq!(projects(script), [". Admitted", "a Admitted"]);
    assert_eq!(claims(script, "task a"), ["task a:build `gradle :a:assemble`", "task a:test `gradle :a:test`"]);
    let applied = "== settings.gradle\ninclude ':a'\n== a/build.gradle\napply from: '../x.gradle'\n== x.gradle\n}\n";
    assert_eq!(
        claims(applied, "Warning"),
        ["Warning gradle-script-unreadable: `x.gradle` is applied here and cannot be read a/build.gradle:1"]
    );
}
