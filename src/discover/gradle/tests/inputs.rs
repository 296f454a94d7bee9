use super::{claims, edges, inputs};

const EXCLUDED: &str =
    "[!src/test/** !src/test[A-Z]*/** !src/testFixtures/** !src/*Test/** !src/*Test[A-Z]*/** !src/jmh*/**]";

#[test]
fn case_94_what_every_project_of_a_build_reads() {
    let tree = "== settings.gradle\ninclude 'a:b'\n== build.gradle\n\n== gradle.properties\nx=1\n== gradlew\n#\n\
        == gradle/wrapper/gradle-wrapper.properties\n\n== gradle/x.lockfile\n\n== gradle/unused.gradle\n\n\
        == gradle/verification-metadata.xml\n\n== a/build.gradle\n\n== a/gradle.properties\n\n== a/b/build.gradle\n\n== a/b/src/test/T.java\n\n";
    assert_eq!(
        inputs(tree, "a/b:build"),
        [
            "a/b Owned ".to_owned() + EXCLUDED,
            "a/build.gradle All []".to_owned(),
            "a/gradle.properties All []".to_owned(),
            "build.gradle All []".to_owned(),
            "gradle.properties All []".to_owned(),
            "gradle/verification-metadata.xml All []".to_owned(),
            "gradle/wrapper All []".to_owned(),
            "gradlew All []".to_owned(),
            "settings.gradle All []".to_owned(),
        ]
    );
    assert_eq!(
        claims(tree, "task a/b"),
        ["task a/b:build `./gradlew :a:b:assemble`", "task a/b:test `./gradlew :a:b:test`"]
    );
    assert_eq!(claims(tree, "task a:"), ["task a:build `./gradlew :a:assemble`"]);
}

#[test]
fn paths_outside_are_inputs() {
    for (line, input) in [
        ("checkstyle { configFile = rootProject.file('config/rules.xml') }", "config/rules.xml All []"),
        ("x = file(\"$rootDir/config/rules.xml\")", "config/rules.xml All []"),
        ("x = \"${rootProject.projectDir}/config/rules.xml\"", "config/rules.xml All []"),
        ("x = new File(rootDir, 'config/rules.xml')", "config/rules.xml All []"),
        ("x = rootDir.resolve(\"config/rules.xml\")", "config/rules.xml All []"),
        ("x = rootProject.layout.projectDirectory.file(\"config/rules.xml\")", "config/rules.xml All []"),
        ("x = getRootDir().path + '/config/rules.xml'", "config/rules.xml All []"),
        ("x = files('../config/rules.xml')", "config/rules.xml All []"),
        ("def d = \"$rootDir/config\"\nx = file(\"$d/rules.xml\")", "config/rules.xml All []"),
        ("x = new File(projectDir.parentFile, 'config/rules.xml')", "config/rules.xml All []"),
        ("sourceSets { main { java { srcDirs += ['../config'] } } }", "config All []"),
        ("from('../config') { into 'x' }", "config All []"),
        ("apply from: '../config/more.gradle'", "config/more.gradle All []"),
        ("apply(from = \"$rootDir/config/more.gradle\")", "config/more.gradle All []"),
        ("apply from: rootProject.file('config/more.gradle')", "config/more.gradle All []"),
        ("apply { from('../config/more.gradle') }", "config/more.gradle All []"),
    ] {
        let tree = format!(
            "== settings.gradle\ninclude 'a'\n== a/build.gradle\n{line}\n== config/rules.xml\n\n== config/more.gradle\n\n"
        );
        assert!(inputs(&tree, "a:build").contains(&input.to_owned()), "{line}: {:?}", inputs(&tree, "a:build"));
        assert_eq!(claims(&tree, "Warning"), [""; 0], "{line}");
    }
}

#[test]
fn what_is_written_or_lies_inside_is_no_input() {
    for line in [
        "x { outputDir = file('../config') }",
        "into('../config')",
        "x = file('src/main/resources')",
        "x = file('..')",
        "x = layout.buildDirectory.file('../config/rules.xml')",
        "url = 'https://x/../config'",
    ] {
        let tree = format!("== settings.gradle\ninclude 'a'\n== a/build.gradle\n{line}\n== config/rules.xml\n\n");
        let expected = ["a Owned ".to_owned() + EXCLUDED, "settings.gradle All []".to_owned()];
        assert_eq!(inputs(&tree, "a:build"), expected, "{line}");
    }
}

#[test]
fn applied_scripts_speak_for_who_applies_them() {
    let tree = "== settings.gradle\ninclude 'a', 'b', 'c'\n== build.gradle\napply from: 'gradle/all.gradle'\n\
        == gradle/all.gradle\nsubprojects { apply from: \"$rootDir/gradle/each.gradle\" }\n\
        == gradle/each.gradle\ndependencies { api project(':c') }\n== a/x\n\n== b/x\n\n== c/x\n\n";
    assert_eq!(edges(tree), ["a -> c Build", "b -> c Build"]);
    assert!(inputs(tree, "a:build").contains(&"gradle/each.gradle All []".to_owned()));
    assert!(inputs(tree, "a:build").contains(&"gradle/all.gradle All []".to_owned()), "{:?}", inputs(tree, "a:build"));
}

#[test]
fn a_script_that_is_computed_is_doubted() {
    let tree = "== settings.gradle\ninclude 'a'\n== a/build.gradle\napply from: scriptOf('x')\napply from: 'https://x/y.gradle'\napply plugin: 'java'\n";
    assert_eq!(
        claims(tree, "Warning"),
        ["Warning gradle-script-computed: which script is applied here is not known a/build.gradle:1"]
    );
}

#[test]
fn sources_of_tests_that_the_build_reads_are_inputs_of_it() {
    for (line, whole) in [
        ("sourceSets { main { java { srcDirs = ['src'] } } }", true),
        ("sourceSets { main { resources { srcDir 'src/test/resources' } } }", true),
        ("sourceSets { test { java { srcDir 'src/test/java' } } }", false),
        ("sourceSets.test.java.srcDirs = ['src/test/more']", false),
        ("spotless { targetExclude('src/test/x/**') }\nx { exclude 'src/test/**' }", false),
    ] {
        let tree = format!("== settings.gradle\ninclude 'a'\n== a/build.gradle\n{line}\n");
        let first = inputs(&tree, "a:build")[0].clone();
        assert_eq!(first == "a Owned []", whole, "{line}: {first}");
    }
}

#[test]
fn several_platforms_have_another_name_for_all_tests() {
    let tree = "== settings.gradle.kts\ninclude(\":a\")\n== a/build.gradle.kts\nplugins { kotlin(\"multiplatform\") }\n\
        == a/src/commonTest/kotlin/T.kt\n\n";
    assert_eq!(claims(tree, "task a"), ["task a:build `gradle :a:assemble`", "task a:test `gradle :a:allTests`"]);
}

#[test]
fn a_build_alone_owns_its_folder() {
    let tree = "== svc/build.gradle\napply plugin: 'java'\n== svc/settings.gradle\nrootProject.name = 'svc'\n== svc/src/test/x\n\n== gradlew\n#\n";
    assert_eq!(claims(tree, "project"), ["project svc Code Admitted [svc] Own"]);
    assert_eq!(claims(tree, "task"), ["task svc:build `../gradlew :assemble`", "task svc:test `../gradlew :test`"]);
}

#[test]
fn an_included_build_is_run_with_the_wrapper_above() {
    let tree = "== settings.gradle\nincludeBuild 'logic'\n== gradlew\n#\n== logic/settings.gradle\ninclude 'conv'\n\
        dependencyResolutionManagement { versionCatalogs { libs { from(files('../gradle/libs.versions.toml')) } } }\n\
        == logic/conv/build.gradle\ndef all = libs\n== gradle/libs.versions.toml\n\n";
    assert_eq!(claims(tree, "task logic/conv:build"), ["task logic/conv:build `../gradlew :conv:assemble`"]);
    assert!(inputs(tree, "logic/conv:build").contains(&"gradle/libs.versions.toml All []".to_owned()));
}
