//! Build files of .NET and Maven, read in slices.

use super::{check, check_some};

/// `App` refers to `one` by a central version and to `Lib`, which refers to `two`.
const CENTRAL: &str = "\
== Directory.Packages.props
<Project>
  <PropertyGroup><ManagePackageVersionsCentrally>true</ManagePackageVersionsCentrally></PropertyGroup>
  <ItemGroup>
    <PackageVersion Include=\"One\" Version=\"1.0\" />
    <PackageVersion Include=\"two\" Version=\"2.0\" />
    <PackageVersion Include=\"three\" Version=\"3.0\" />
  </ItemGroup>
</Project>
== app/App.csproj
<Project Sdk=\"Microsoft.NET.Sdk\">
  <ItemGroup>
    <PackageReference Include=\"one\" />
    <ProjectReference Include=\"..\\lib\\Lib.csproj\" />
  </ItemGroup>
</Project>
== app/packages.lock.json
{\"version\": 2, \"dependencies\": {\"net8.0\": {\"one\": {\"type\": \"Direct\", \"resolved\": \"1.0\"}}}}
== lib/Lib.csproj
<Project Sdk=\"Microsoft.NET.Sdk\"><ItemGroup><PackageReference Include=\"two\" /></ItemGroup></Project>
== own/Own.csproj
<Project Sdk=\"Microsoft.NET.Sdk\"></Project>
";

#[test]
fn case_92_a_central_version_reaches_those_who_refer_to_the_package() {
    let both = ["app:build", "lib:build"];
    let all = ["app:build", "lib:build", "own:build"];
    check(CENTRAL, &CENTRAL.replace("\"1.0\" />", "\"1.1\" />"), &["app:build"]);
    check(CENTRAL, &CENTRAL.replace("\"2.0\"", "\"2.1\""), &both);
    check(CENTRAL, &CENTRAL.replace("\"3.0\"", "\"3.1\""), &[]);
    check(
        CENTRAL,
        &CENTRAL
            .replace("<ItemGroup>\n    <PackageVersion", "<ItemGroup Condition=\"'$(A)' == ''\">\n    <PackageVersion"),
        &both,
    );
    check(CENTRAL, &CENTRAL.replace("</PropertyGroup>", "<A>1</A></PropertyGroup>"), &all);
    check(
        CENTRAL,
        &CENTRAL.replace(
            "</PropertyGroup>",
            "</PropertyGroup><ItemGroup><GlobalPackageReference Include=\"g\" /></ItemGroup>",
        ),
        &all,
    );
    // Whatever may take any version.
    for any in [
        "<CentralPackageTransitivePinningEnabled>true</CentralPackageTransitivePinningEnabled></PropertyGroup>",
        "</PropertyGroup><ItemGroup><PackageVersion Update=\"@(PackageVersion)\" X=\"1\" /></ItemGroup>",
        "</PropertyGroup><ItemGroup><Other Include=\"@(PackageVersion)\" /></ItemGroup>",
        "</PropertyGroup><Import Project=\"Sdk.props\" Sdk=\"Some.Sdk\" />",
    ] {
        let wide = CENTRAL.replace("</PropertyGroup>", any);
        assert_ne!(wide, CENTRAL);
        check(&wide, &wide.replace("\"3.0\"", "\"3.1\""), &all);
    }
    let computed = CENTRAL.replace("Include=\"one\"", "Include=\"$(Unknown)\"");
    check(&computed, &computed.replace("\"3.0\"", "\"3.1\""), &["app:build"]);
}

#[test]
fn case_92_comments_and_layout_of_build_files_reach_nobody() {
    check(
        CENTRAL,
        &CENTRAL.replace("  <ItemGroup>\n    <Pack", "<!-- why -->\n  <ItemGroup>\n\n    <!-- x --> <Pack"),
        &[],
    );
    check(CENTRAL, &CENTRAL.replace("Include=\"One\" Version=\"1.0\"", "Version=\"1.0\"  Include='One'"), &[]);
    check(CENTRAL, &CENTRAL.replace("{\"version\": 2, ", "{\n  // by hand\n  \"version\": 2, "), &[]);
    check(CENTRAL, &CENTRAL.replace("\"resolved\": \"1.0\"", "\"resolved\": \"1.0.1\""), &["app:build"]);
    check_some(CENTRAL, &CENTRAL.replace("{\"version\": 2, ", "<<<<<<< ours\n{\"version\": 2, "), &["app:build"], &[]);
    // The order of definitions means something.
    let defined = CENTRAL.replace("<Project Sdk=\"Microsoft.NET.Sdk\"></Project>", "<Project Sdk=\"Microsoft.NET.Sdk\"><PropertyGroup><A>1</A></PropertyGroup><PropertyGroup><A>2</A></PropertyGroup></Project>");
    let turned = defined.replace(
        "<PropertyGroup><A>1</A></PropertyGroup><PropertyGroup><A>2</A></PropertyGroup>",
        "<PropertyGroup><A>2</A></PropertyGroup><PropertyGroup><A>1</A></PropertyGroup>",
    );
    check(&defined, &turned, &["own:build"]);
    let image = format!("{CENTRAL}== svc/Dockerfile\nFROM scratch\nCOPY own/Own.csproj /\n");
    check(&image, &image.replace("== own/Own.csproj\n", "== own/Own.csproj\n<!-- why -->"), &["svc:image"]);
}

/// `leaf` inherits from `parent`, which has nothing but its POM; `alone` does not.
const POMS: &str = "\
== parent/pom.xml
<project>
  <groupId>g</groupId><artifactId>parent</artifactId><version>1</version><packaging>pom</packaging>
  <name>the parent</name>
  <developers><developer><id>x</id></developer></developers>
  <properties><a>1</a></properties>
</project>
== leaf/pom.xml
<project>
  <parent><groupId>g</groupId><artifactId>parent</artifactId><version>1</version><relativePath>../parent</relativePath></parent>
  <artifactId>leaf</artifactId>
</project>
== alone/pom.xml
<project><groupId>g</groupId><artifactId>alone</artifactId><version>1</version></project>
";

#[test]
fn case_94_what_a_parent_hands_down_reaches_those_that_inherit_it() {
    let leaf = ["leaf:build", "leaf:test", "parent:build", "parent:test"];
    check(POMS, &POMS.replace("<a>1</a>", "<a>2</a>"), &leaf);
    for same in [
        POMS.replace("<properties>", "<!-- why -->\n  <properties>\n "),
        POMS.replace("the parent", "a parent"),
        POMS.replace("<id>x</id>", "<id>y</id>"),
        POMS.replace("<artifactId>leaf</artifactId>\n", "<!-- a leaf -->\n  <artifactId>leaf</artifactId>\n\n"),
    ] {
        check(POMS, &same, &[]);
    }
    check(
        POMS,
        &POMS.replace("<artifactId>leaf</artifactId>", "<artifactId>leaf</artifactId><name>n</name>"),
        &leaf[..2],
    );
}
