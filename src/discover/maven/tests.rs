//! What POMs of small trees claim.

use super::Maven;
use crate::discover::testing::{describe, inputs_of, links_of};

/// The claims of a tree that begin with `prefix`.
fn claims(tree: &str, prefix: &str) -> Vec<String> {
    describe(&links_of::<Maven>(tree)).lines().filter(|line| line.starts_with(prefix)).map(str::to_owned).collect()
}

/// The inputs of one task, such as `a:build`, without their evidence; a file outside that is read in slices counts as one.
fn inputs(tree: &str, task: &str) -> Vec<String> {
    let (folder, name) = task.split_once(':').unwrap();
    inputs_of(&links_of::<Maven>(tree), folder, name)
}

/// A file with a POM of group `g` and version 1.
fn pom(folder: &str, artifact: &str, body: &str) -> String {
    format!(
        "== {folder}pom.xml\n<project>\n<groupId>g</groupId>\n<artifactId>{artifact}</artifactId>\n<version>1</version>\n{body}\n</project>\n"
    )
}

/// A file with a POM that takes group and version from the parent `g:root`.
fn child(folder: &str, artifact: &str, body: &str) -> String {
    format!(
        "== {folder}pom.xml\n<project>\n<parent><groupId>g</groupId><artifactId>root</artifactId><version>1</version></parent>\n<artifactId>{artifact}</artifactId>\n{body}\n</project>\n"
    )
}

fn aggregator(modules: &[&str], body: &str) -> String {
    let modules: String = modules.iter().map(|module| format!("<module>{module}</module>")).collect();
    pom("", "root", &format!("<packaging>pom</packaging><modules>{modules}</modules>{body}"))
}

fn dependency(artifact: &str, rest: &str) -> String {
    format!("<dependency><groupId>g</groupId><artifactId>{artifact}</artifactId>{rest}</dependency>")
}

fn dependencies(list: &[String]) -> String {
    format!("<dependencies>\n{}\n</dependencies>", list.join("\n"))
}

#[test]
fn case_94_modules_depend_by_their_coordinates() {
    let tree = [
        aggregator(&["a", "b"], ""),
        child(
            "a/",
            "a",
            &dependencies(&[dependency("b", "<version>${project.version}</version>"), dependency("x", "")]),
        ),
        child("b/", "b", ""),
        "== .mvn/maven.config\n-T1\n".to_owned(),
    ]
    .concat();
    assert_eq!(
        describe(&links_of::<Maven>(&tree)),
        "edge a -> . Build a/pom.xml:2\n\
         edge a -> b Build a/pom.xml:5\n\
         edge b -> . Build b/pom.xml:2\n\
         input a:build <- .mvn All [] .mvn:0\n\
         input a:build <- a Owned [!src/test/**] but a/pom.xml a/pom.xml:3\n\
         input a:test <- .mvn All [] .mvn:0\n\
         input a:test <- a Owned [] but a/pom.xml a/pom.xml:3\n\
         input b:build <- .mvn All [] .mvn:0\n\
         input b:build <- b Owned [!src/test/**] but b/pom.xml b/pom.xml:3\n\
         input b:test <- .mvn All [] .mvn:0\n\
         input b:test <- b Owned [] but b/pom.xml b/pom.xml:3\n\
         project . Workspace Admitted [g:root] Shared([\"pom.xml\", \".mvn/**\", \"mvnw*\"])\n\
         project a Code Admitted [g:a] Own\n\
         project b Code Admitted [g:b] Own\n\
         reads a:build <- ^build along [Build, Schema]\n\
         reads a:test <- ^build along [Build, Schema, Test]\n\
         reads a:test <- own build\n\
         reads b:build <- ^build along [Build, Schema]\n\
         reads b:test <- ^build along [Build, Schema, Test]\n\
         reads b:test <- own build\n\
         slice a:build <- a/pom.xml `what its own build can see`\n\
         slice a:build <- pom.xml `what it hands down`\n\
         slice a:test <- a/pom.xml `what its own build can see`\n\
         slice a:test <- pom.xml `what it hands down`\n\
         slice b:build <- b/pom.xml `what its own build can see`\n\
         slice b:build <- pom.xml `what it hands down`\n\
         slice b:test <- b/pom.xml `what its own build can see`\n\
         slice b:test <- pom.xml `what it hands down`\n\
         task a:build `mvn -pl a -am package -DskipTests`\n\
         task a:test `mvn -pl a -am verify`\n\
         task b:build `mvn -pl b -am package -DskipTests`\n\
         task b:test `mvn -pl b -am verify`"
    );
}

#[test]
fn case_94_relative_paths_lead_to_parents() {
    for (written, folder) in [
        ("<relativePath>../../parent</relativePath>", "x/a/"),
        ("<relativePath>../parent/pom.xml</relativePath>", "a/"),
        ("<relativePath/>", "a/"),
    ] {
        let tree = [
            pom("parent/", "root", "<packaging>pom</packaging>"),
            child(folder, "a", "").replace("</parent>", &format!("{written}</parent>")),
        ]
        .concat();
        let folder = folder.trim_end_matches('/');
        assert_eq!(claims(&tree, "edge"), [format!("edge {folder} -> parent Build {folder}/pom.xml:2")], "{written}");
        assert!(inputs(&tree, &format!("{folder}:build")).contains(&"parent/pom.xml All []".to_owned()), "{written}");
        assert_eq!(inputs(&tree, "parent:build"), ["parent/pom.xml All []"], "{written}");
    }
}

#[test]
fn a_child_reads_all_poms_above_and_no_other_file_of_a_parent_with_code() {
    let tree = [
        pom("", "root", "<packaging>pom</packaging><modules><module>mid</module></modules>"),
        child("mid/", "mid", "<packaging>pom</packaging><modules><module>leaf</module></modules>"),
        "== mid/src/site/x.md\n".to_owned(),
        child("mid/leaf/", "leaf", "").replace("<artifactId>root<", "<artifactId>mid<"),
    ]
    .concat();
    assert_eq!(
        inputs(&tree, "mid/leaf:build"),
        ["mid/leaf Owned [!src/test/**]", "mid/pom.xml All []", "pom.xml All []"]
    );
    assert_eq!(claims(&tree, "edge mid/leaf"), [""; 0]);
    assert_eq!(
        claims(&tree, "project mid "),
        ["project mid Code Admitted [g:mid] Shared([\"pom.xml\", \".mvn/**\", \"mvnw*\", \"src/**\"])"]
    );
}

#[test]
fn a_parent_outside_the_tree_is_noted() {
    let tree = child("a/", "a", "");
    assert_eq!(
        claims(&tree, "Note"),
        ["Note maven-parent-outside: the parent `g:root` is not in the repository a/pom.xml:2"]
    );
    let other_version = [aggregator(&["a"], "").replace("<version>1", "<version>2"), child("a/", "a", "")].concat();
    assert_eq!(claims(&other_version, "Note maven-parent-outside").len(), 1);
    assert_eq!(claims(&other_version, "edge"), [""; 0]);
}

#[test]
fn properties_in_coordinates_are_filled_in() {
    let tree = [
        aggregator(&["a", "b"], "<properties><revision>1</revision><scala>2.13</scala><base>core</base></properties>")
            .replace("<version>1<", "<version>${revision}<"),
        child(
            "a/",
            "a",
            "<dependencies><dependency><groupId>${project.groupId}</groupId><artifactId>${base}_${scala}</artifactId><version>${revision}</version></dependency></dependencies>",
        )
        .replace("<version>1<", "<version>${revision}<"),
        child("b/", "core_${scala}", "").replace("<version>1<", "<version>${revision}<"),
    ]
    .concat();
    assert!(claims(&tree, "edge a -> b Build").len() == 1, "{}", describe(&links_of::<Maven>(&tree)));
    assert_eq!(claims(&tree, "project b"), ["project b Code Admitted [g:core_2.13] Own"]);
}

#[test]
fn an_unknown_property_in_coordinates_means_all_that_fit() {
    let tree = [
        aggregator(&["a", "b", "c"], ""),
        child("a/", "a", &dependencies(&[dependency("core_${scala}", "")])),
        child("b/", "core_2.12", ""),
        child("c/", "core_2.13", ""),
    ]
    .concat();
    assert_eq!(claims(&tree, "edge a -> b").len(), 1);
    assert_eq!(claims(&tree, "edge a -> c").len(), 1);
    assert_eq!(claims(&tree, "Warning maven-property-unknown").len(), 1);
}

#[test]
fn scopes_and_test_jars_decide_the_kind() {
    let tree = [
        aggregator(&["a", "b", "c", "d"], "").replace(
            "</project>",
            &format!(
                "<dependencyManagement>{}</dependencyManagement></project>",
                dependencies(&[dependency("c", "<scope>test</scope>")])
            ),
        ),
        child(
            "a/",
            "a",
            &dependencies(&[
                dependency("b", "<scope>test</scope>"),
                dependency("c", ""),
                dependency("d", "<type>test-jar</type><scope>compile</scope>"),
            ]),
        ),
        child("b/", "b", ""),
        child("c/", "c", ""),
        child("d/", "d", ""),
    ]
    .concat();
    assert_eq!(
        claims(&tree, "edge a"),
        [
            "edge a -> . Build a/pom.xml:2",
            "edge a -> b Test a/pom.xml:5",
            "edge a -> c Test a/pom.xml:6",
            "edge a -> d Build a/pom.xml:7"
        ]
    );
    // The jar of tests is built from the tests.
    assert_eq!(inputs(&tree, "d:build"), ["d Owned []", "pom.xml All []"]);
    assert_eq!(inputs(&tree, "b:build"), ["b Owned [!src/test/**]", "pom.xml All []"]);
}

#[test]
fn case_94_an_imported_bom_is_an_edge_also_through_the_parent() {
    let import = format!(
        "<dependencyManagement>{}</dependencyManagement>",
        dependencies(&[dependency("bom", "<version>1</version><type>pom</type><scope>import</scope>")])
    );
    let tree =
        [aggregator(&["bom", "a"], &import), pom("bom/", "bom", "<packaging>pom</packaging>"), child("a/", "a", "")]
            .concat();
    assert_eq!(claims(&tree, "edge a"), ["edge a -> . Build a/pom.xml:2", "edge a -> bom Build pom.xml:6"]);
    assert_eq!(
        claims(&tree, "project bom"),
        ["project bom Code Admitted [g:bom] Shared([\"pom.xml\", \".mvn/**\", \"mvnw*\"])"]
    );
    assert_eq!(inputs(&tree, "bom:build"), ["bom/pom.xml All []"]);
}

#[test]
fn plugins_and_what_they_are_given_are_edges() {
    let tree = [
        aggregator(
            &["a", "rules", "gen", "proc", "unused", "ext"],
            "<build><pluginManagement><plugins>\n\
             <plugin><artifactId>maven-checkstyle-plugin</artifactId><dependencies><dependency><groupId>g</groupId><artifactId>rules</artifactId></dependency></dependencies></plugin>\n\
             <plugin><artifactId>maven-other-plugin</artifactId><dependencies><dependency><groupId>g</groupId><artifactId>unused</artifactId></dependency></dependencies></plugin>\n\
             </plugins></pluginManagement></build>",
        ),
        child(
            "a/",
            "a",
            "<build><extensions><extension><groupId>g</groupId><artifactId>ext</artifactId></extension></extensions><plugins>\n\
             <plugin><artifactId>maven-checkstyle-plugin</artifactId></plugin>\n\
             <plugin><groupId>g</groupId><artifactId>gen</artifactId></plugin>\n\
             <plugin><artifactId>maven-compiler-plugin</artifactId><configuration><annotationProcessorPaths><path><groupId>g</groupId><artifactId>proc</artifactId></path></annotationProcessorPaths></configuration></plugin>\n\
             </plugins></build>",
        ),
        child("rules/", "rules", ""),
        child("gen/", "gen", "<packaging>maven-plugin</packaging>"),
        child("proc/", "proc", ""),
        child("unused/", "unused", ""),
        child("ext/", "ext", ""),
    ]
    .concat();
    assert_eq!(
        claims(&tree, "edge a"),
        [
            "edge a -> . Build a/pom.xml:2",
            "edge a -> ext Build a/pom.xml:4",
            "edge a -> gen Build a/pom.xml:6",
            "edge a -> proc Build a/pom.xml:7",
            "edge a -> rules Build pom.xml:6",
        ]
    );
}

#[test]
fn another_version_comes_from_outside() {
    let tree = [
        aggregator(&["a", "b"], ""),
        child("a/", "a", &dependencies(&[dependency("b", "<version>0.9</version>")])),
        child("b/", "b", ""),
    ]
    .concat();
    assert_eq!(claims(&tree, "edge a -> b"), [""; 0]);
    assert_eq!(claims(&tree, "Note maven-version-outside").len(), 1);
}

#[test]
fn profiles_all_count() {
    let tree = [
        pom("", "root", "<packaging>pom</packaging><profiles><profile><modules><module>a</module></modules></profile></profiles>"),
        child("a/", "a", "<profiles><profile><dependencies><dependency><groupId>g</groupId><artifactId>b</artifactId></dependency></dependencies></profile></profiles>"),
        child("b/", "b", ""),
    ]
    .concat();
    assert_eq!(claims(&tree, "edge a -> b").len(), 1);
    assert_eq!(claims(&tree, "task a:build"), ["task a:build `mvn -pl a -am package -DskipTests`"]);
}

#[test]
fn a_nested_pom_that_nobody_lists_is_a_stray() {
    let tree = [
        aggregator(&["a", "gone"], ""),
        child("a/", "a", ""),
        child("b/", "b", ""),
        pom("a/src/test/resources/it/", "it", "<packaging>pom</packaging><modules><module>m</module></modules>"),
        pom("a/src/test/resources/it/m/", "m", ""),
    ]
    .concat();
    let admissions: Vec<String> = claims(&tree, "project")
        .iter()
        .map(|line| {
            line.split(' ')
                .enumerate()
                .filter(|(at, _)| matches!(at, 1 | 3))
                .map(|(_, word)| word)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(
        admissions,
        [". Admitted", "a Admitted", "a/src/test/resources/it Stray", "a/src/test/resources/it/m Stray", "b Admitted"]
    );
    assert_eq!(claims(&tree, "Warning"), ["Warning maven-module-missing: the module `gone` does not exist pom.xml:5"]);
}

#[test]
fn a_reactor_with_a_wrapper_stands_alone_wherever_it_lies() {
    let reactor = |at: &str| {
        let list = "<packaging>pom</packaging><modules><module>m</module></modules>";
        [
            pom("", "root", "<packaging>pom</packaging><modules><module>a</module></modules>"),
            pom("a/", "a", ""),
            pom(&format!("{at}/"), "ui", list),
            pom(&format!("{at}/m/"), "ui-m", ""),
            format!("== {at}/mvnw\n"),
        ]
        .concat()
    };
    let projects = |at: &str| claims(&reactor(at), &format!("project {at}")).join("\n").matches("Admitted").count();
    assert_eq!(projects("ui"), 2);
    assert_eq!(projects("a/src/test/resources/ui"), 0);
}

#[test]
fn a_pom_alone_is_built_alone() {
    let tree = pom("svc/", "svc", "");
    assert_eq!(claims(&tree, "task"), ["task svc:build `mvn package -DskipTests`", "task svc:test `mvn test`"]);
}

#[test]
fn sources_and_settings_outside_are_inputs() {
    let tree = [
        aggregator(
            &["a"],
            "<build><plugins><plugin><artifactId>maven-checkstyle-plugin</artifactId><configuration><configLocation>${maven.multiModuleProjectDirectory}/style/rules.xml</configLocation></configuration></plugin></plugins></build>",
        ),
        child(
            "a/",
            "a",
            "<build><resources>\n<resource><directory>${project.basedir}/..</directory><includes><include>LICENSE</include></includes></resource>\n\
             <resource><directory>../shared/res</directory></resource></resources>\n\
             <sourceDirectory>${basedir}/src</sourceDirectory></build>",
        ),
        "== style/rules.xml\n<x/>\n== shared/res/x.txt\n".to_owned(),
    ]
    .concat();
    assert_eq!(
        inputs(&tree, "a:build"),
        [". All [LICENSE]", "a Owned []", "pom.xml All []", "shared/res All []", "style/rules.xml All []",]
    );
    assert_eq!(claims(&tree, "edge a -> owner"), ["edge a -> owner of shared/res Build a/pom.xml:6"]);
}

#[test]
fn tests_stay_out_of_a_build_that_does_not_read_them() {
    let plain = [
        "<build><testResources><testResource><directory>src/test/resources</directory></testResource></testResources></build>",
        "<build><testSourceDirectory>${project.basedir}/src/test/kotlin</testSourceDirectory></build>",
        "<build><plugins><plugin><artifactId>x</artifactId><configuration><excludes><exclude>src/test/X.java</exclude></excludes></configuration></plugin></plugins></build>",
        "<build><plugins><plugin><artifactId>x</artifactId><executions><execution><goals><goal>add-test-source</goal></goals><configuration><sources><source>src/test/gen</source></sources></configuration></execution></executions></plugin></plugins></build>",
    ];
    for body in plain {
        assert_eq!(inputs(&pom("a/", "a", body), "a:build"), ["a Owned [!src/test/**]"], "{body}");
    }
    let odd = [
        "<build><resources><resource><directory>src/test/resources</directory></resource></resources></build>",
        "<build><testSourceDirectory>test</testSourceDirectory></build>",
        "<build><sourceDirectory>src</sourceDirectory></build>",
    ];
    for body in odd {
        assert_eq!(inputs(&pom("a/", "a", body), "a:build"), ["a Owned []"], "{body}");
    }
}

#[test]
fn case_96_a_broken_pom_is_still_planned() {
    let tree = [aggregator(&["a"], ""), "== a/pom.xml\n<project><artifactId>a</artifactId>".to_owned()].concat();
    assert_eq!(claims(&tree, "project a"), ["project a Code Admitted [] Own"]);
    assert_eq!(inputs(&tree, "a:build"), ["a Owned []", "pom.xml All []"]);
    let root = ["== pom.xml\n<project>\n".to_owned(), child("a/", "a", ""), pom("b/", "b", "")].concat();
    assert_eq!(claims(&root, "project a"), ["project a Code Admitted [g:a] Own"]);
    assert_eq!(claims(&root, "project b"), ["project b Code Admitted [g:b] Own"]);
    assert!(inputs(&root, "a:build").contains(&"pom.xml All []".to_owned()));
}

#[test]
fn case_96_parents_and_properties_in_circles_end() {
    let tree = [
        child("a/", "root", "<properties><x>${y}</x><y>${x}${x}</y></properties>")
            .replace("</parent>", "<relativePath>../b</relativePath></parent>"),
        child("b/", "root", &dependencies(&[dependency("${x}", "")]))
            .replace("</parent>", "<relativePath>../a</relativePath></parent>"),
    ]
    .concat();
    assert_eq!(claims(&tree, "project").len(), 2);
}
