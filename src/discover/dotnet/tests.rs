//! What .NET manifests of small trees claim.

use super::Dotnet;
use crate::discover::Ecosystem;
use crate::discover::testing::{describe, inputs_of, links_of};

/// The claims of a tree that begin with `prefix`.
fn claims(tree: &str, prefix: &str) -> Vec<String> {
    describe(&links_of::<Dotnet>(tree)).lines().filter(|line| line.starts_with(prefix)).map(str::to_owned).collect()
}

/// The `build` inputs of the project in `folder`, without their evidence; a file outside that is read in slices counts
/// as one.
fn build_inputs(tree: &str, folder: &str) -> Vec<String> {
    inputs_of(&links_of::<Dotnet>(tree), folder, "build")
}

fn project(items: &str) -> String {
    format!("<Project Sdk=\"Microsoft.NET.Sdk\">\n{items}\n</Project>\n")
}

#[test]
fn case_92_a_project_reference_is_an_edge_at_its_line() {
    let tree = format!(
        "== src/app/App.csproj\n\u{feff}{}== src/lib/Lib.csproj\n{}",
        project("<ItemGroup>\n<ProjectReference Include=\"..\\lib\\Lib.csproj\" />\n</ItemGroup>"),
        project("<PropertyGroup><AssemblyName>Acme.Lib</AssemblyName></PropertyGroup>"),
    );
    assert_eq!(
        describe(&links_of::<Dotnet>(&tree)),
        "edge src/app -> src/lib Build src/app/App.csproj:3\n\
         input src/app:build <- src/app Owned [] but src/app/App.csproj src/app/App.csproj:0\n\
         input src/lib:build <- src/lib Owned [] but src/lib/Lib.csproj src/lib/Lib.csproj:0\n\
         project src/app Code Admitted [App] Own\n\
         project src/lib Code Admitted [Acme.Lib,Lib] Own\n\
         reads src/app:build <- ^build along [Build, Schema]\n\
         reads src/lib:build <- ^build along [Build, Schema]\n\
         slice src/app:build <- src/app/App.csproj `Project`\n\
         slice src/lib:build <- src/lib/Lib.csproj `Project`\n\
         task src/app:build `dotnet build src/app/App.csproj`\n\
         task src/lib:build `dotnet build src/lib/Lib.csproj`"
    );
}

#[test]
fn case_92_the_nearest_inherited_files_are_inputs() {
    let tree = format!(
        "== Directory.Build.props\n<Project/>\n== src/Directory.Build.props\n<Project/>\n== Directory.Packages.props\n<Project/>\n\
         == src/Directory.Build.targets\n<Project/>\n== global.json\n{{}}\n== NuGet.Config\n<x/>\n== src/nuget.config\n<x/>\n\
         == .editorconfig\nroot = true\n== Directory.Build.rsp\n-m\n== src/a/A.csproj\n{}",
        project("")
    );
    assert_eq!(
        build_inputs(&tree, "src/a"),
        [
            ".editorconfig All []",
            "Directory.Build.rsp All []",
            "Directory.Packages.props All []",
            "NuGet.Config All []",
            "global.json All []",
            "src/Directory.Build.props All []",
            "src/Directory.Build.targets All []",
            "src/a Owned []",
            "src/nuget.config All []",
        ]
    );
}

#[test]
fn case_92_props_that_import_their_parent_bring_it_in() {
    for import in [
        "$([MSBuild]::GetPathOfFileAbove('Directory.Build.props', '$(MSBuildThisFileDirectory)../'))",
        "$([MSBuild]::GetDirectoryNameOfFileAbove($(MSBuildThisFileDirectory).., Directory.Build.props))\\Directory.Build.props",
        "..\\Directory.Build.props",
    ] {
        let tree = format!(
            "== Directory.Build.props\n<Project><Import Project=\"eng/versions.props\"/></Project>\n== eng/versions.props\n<Project/>\n\
             == src/Directory.Build.props\n<Project><Import Project=\"{import}\" /></Project>\n== src/a/A.csproj\n{}",
            project("")
        );
        assert_eq!(
            build_inputs(&tree, "src/a"),
            [
                "Directory.Build.props All []",
                "eng/versions.props All []",
                "src/Directory.Build.props All []",
                "src/a Owned []"
            ],
            "{import}"
        );
    }
}

#[test]
fn references_follow_properties_and_both_sides_of_conditions() {
    let tree = format!(
        "== All.sln\n\n== Directory.Build.props\n<Project><PropertyGroup><Libs>$(MSBuildThisFileDirectory)libs\\</Libs></PropertyGroup></Project>\n\
         == src/a/A.csproj\n{}== libs/x/X.csproj\n{}== libs/y/Y.csproj\n{}== libs/z/Z.fsproj\n{}",
        project(
            "<ItemGroup><ProjectReference Include=\"$(Libs)x\\X.csproj\" Condition=\"'$(OS)' == 'Unix'\" />\n\
             <ProjectReference Include=\"$(SolutionDir)libs/y/Y.csproj;$(MSBuildProjectDirectory)\\..\\..\\libs\\z\\z.fsproj\" /></ItemGroup>"
        ),
        project(""),
        project(""),
        project("")
    );
    assert_eq!(
        claims(&tree, "edge"),
        [
            "edge src/a -> libs/x Build src/a/A.csproj:2",
            "edge src/a -> libs/y Build src/a/A.csproj:3",
            "edge src/a -> libs/z Build src/a/A.csproj:3",
        ]
    );
    assert_eq!(
        claims(&tree, "Note"),
        ["Note path-case: `libs/z/z.fsproj` is written in another case than `libs/z/Z.fsproj` src/a/A.csproj:3"]
    );
}

#[test]
fn a_glob_of_references_reaches_every_project_below() {
    let tree = format!(
        "== a/A.csproj\n{}== libs/x/X.csproj\n{}== libs/y/Y.csproj\n{}",
        project("<ItemGroup><ProjectReference Include=\"..\\libs\\**\\*.csproj\" /></ItemGroup>"),
        project(""),
        project("")
    );
    assert_eq!(claims(&tree, "edge"), ["edge a -> libs/x Build a/A.csproj:2", "edge a -> libs/y Build a/A.csproj:2"]);
}

#[test]
fn an_unknown_property_widens_to_all_that_it_could_be() {
    let tree = format!(
        "== a/A.csproj\n{}== libs/x/X.csproj\n{}",
        project(
            "<ItemGroup><ProjectReference Include=\"$(Elsewhere)\\x\\X.csproj\" />\n<Compile Include=\"$(Elsewhere)/c/*.cs\" /></ItemGroup>"
        ),
        project("")
    );
    assert_eq!(claims(&tree, "edge"), ["edge a -> libs/x Build a/A.csproj:2"]);
    assert_eq!(build_inputs(&tree, "a"), [". All [**/c/*.cs]", ". All [**/x/X.csproj]", "a Owned []"]);
    assert_eq!(claims(&tree, "Warning msbuild-property-unknown").len(), 2);
}

#[test]
fn a_reference_to_nothing_dangles_and_one_outside_is_told() {
    let tree = format!(
        "== src/a/A.csproj\n{}",
        project(
            "<ItemGroup><ProjectReference Include=\"..\\Acme.Common\\Acme.Common.csproj\" />\n<ProjectReference Include=\"..\\..\\..\\x\\X.csproj\" /></ItemGroup>"
        )
    );
    assert_eq!(
        claims(&tree, "dangling"),
        ["dangling src/a wants Acme.Common.csproj src/a/A.csproj:2", "dangling src/a wants X.csproj src/a/A.csproj:3"]
    );
    assert_eq!(claims(&tree, "Warning outside-repository").len(), 1);
}

#[test]
fn a_schema_that_is_not_there_dangles() {
    let items = project(
        "<ItemGroup><Protobuf Include=\"protos\\a.proto\" />\n<Protobuf Include=\"protos\\b.proto\" />\n\
         <Protobuf Include=\"$(Schemas)\\c.proto\" />\n<Protobuf Include=\"gen\\*.proto\" /></ItemGroup>",
    );
    let tree = format!("== src/a/A.csproj\n{items}== src/a/protos/b.proto\n");
    assert_eq!(claims(&tree, "dangling"), ["dangling src/a wants a.proto src/a/A.csproj:2"]);
}

#[test]
fn of_several_values_the_one_that_exists_is_meant() {
    let tree = format!(
        "== a/A.csproj\n{}== libs/new/X.csproj\n{}",
        project(
            "<PropertyGroup><Libs>..\\libs\\old</Libs><Libs Condition=\"'$(Next)' != ''\">..\\libs\\new</Libs></PropertyGroup>\n\
             <ItemGroup><ProjectReference Include=\"$(Libs)\\X.csproj\" /></ItemGroup>"
        ),
        project("")
    );
    assert_eq!(claims(&tree, "edge"), ["edge a -> libs/new Build a/A.csproj:3"]);
    assert_eq!(claims(&tree, "dangling"), [""; 0]);
    assert_eq!(build_inputs(&tree, "a"), ["a Owned []", "libs/old/X.csproj All []"]);
}

#[test]
fn items_outside_the_folder_are_inputs_and_edges() {
    let tree = format!(
        "== src/a/A.csproj\n{}== src/Shared/Activity.cs\n\n== protos/v1/a.proto\n\n== rules/x.ruleset\n\n== src/a/wwwroot/x.js\n",
        project(
            "<PropertyGroup><CodeAnalysisRuleSet>..\\..\\rules\\x.ruleset</CodeAnalysisRuleSet></PropertyGroup>\n<ItemGroup>\n\
             <Compile Include=\"..\\Shared\\Activity.cs\" Link=\"Extensions\\Activity.cs\" />\n\
             <Content Include=\"..\\Shared\\**\\*.json\"/>\n<None Update=\"appsettings.json\"/>\n\
             <Protobuf Include=\"..\\..\\protos\\v1\\a.proto\" ProtoRoot=\"..\\..\\protos\" />\n\
             <AdditionalFiles Include=\"$(MSBuildThisFileDirectory)..\\stylecop.json\" />\n</ItemGroup>"
        )
    );
    assert_eq!(
        build_inputs(&tree, "src/a"),
        [
            "protos All [**/*.proto]",
            "protos/v1 All [**/*.proto]",
            "rules/x.ruleset All []",
            "src/Shared All [**/*.json]",
            "src/Shared/Activity.cs All []",
            "src/a Owned []",
            "src/stylecop.json All []",
        ]
    );
    assert_eq!(
        claims(&tree, "edge"),
        [
            "edge src/a -> owner of protos Schema src/a/A.csproj:7",
            "edge src/a -> owner of protos/v1/a.proto Schema src/a/A.csproj:7",
            "edge src/a -> owner of src/Shared Build src/a/A.csproj:5",
            "edge src/a -> owner of src/Shared/Activity.cs Build src/a/A.csproj:4",
        ]
    );
}

#[test]
fn imports_are_followed_through_other_files() {
    let tree = format!(
        "== src/a/A.csproj\n{}== build/common.props\n<Project><PropertyGroup><Next>$(MSBuildThisFileDirectory)</Next></PropertyGroup></Project>\n\
         == build/more.targets\n<Project><Import Project=\"missing.props\" Condition=\"Exists('missing.props')\"/><ItemGroup><Compile Include=\"$(MSBuildThisFileDirectory)Version.cs\"/></ItemGroup></Project>\n\
         == build/Version.cs\n",
        project(
            "<Import Project=\"$(Next)more.targets\" />\n<Import Project=\"..\\..\\build\\common.props\" />\n<Import Project=\"$(MSBuildToolsPath)\\Microsoft.CSharp.targets\" />"
        )
    );
    assert_eq!(
        build_inputs(&tree, "src/a"),
        [
            "build/Version.cs All []",
            "build/common.props All []",
            "build/missing.props All []",
            "build/more.targets All []",
            "src/a Owned []"
        ]
    );
    assert_eq!(claims(&tree, "Warning"), [""; 0]);
}

#[test]
fn test_projects_have_a_test_task() {
    let bodies = [
        ("<ItemGroup><PackageReference Include=\"xunit\" /></ItemGroup>", true),
        ("<ItemGroup><PackageReference Include=\"Microsoft.NET.Test.Sdk\" Version=\"17\" /></ItemGroup>", true),
        ("<ItemGroup><Reference Include=\"nunit.framework, Version=2.6\" /></ItemGroup>", true),
        ("<PropertyGroup><IsTestProject>true</IsTestProject></PropertyGroup>", true),
        ("<Sdk Name=\"MSTest.Sdk\" />", true),
        ("<ItemGroup><PackageReference Include=\"xunit.assert\" /></ItemGroup>", false),
        (
            "<PropertyGroup><IsTestProject>false</IsTestProject></PropertyGroup><ItemGroup><PackageReference Include=\"xunit\" /></ItemGroup>",
            false,
        ),
    ];
    for (body, tests) in bodies {
        let tree = format!("== t/T.csproj\n{}", project(body));
        assert_eq!(claims(&tree, "task t:test").len(), usize::from(tests), "{body}");
    }
    let inherited = format!(
        "== tests/Directory.Build.props\n<Project><ItemGroup><PackageReference Include=\"xunit\"/></ItemGroup></Project>\n== tests/t/T.csproj\n{}",
        project("")
    );
    assert_eq!(
        claims(&inherited, "reads tests/t:test"),
        ["reads tests/t:test <- ^build along [Build, Schema, Test]", "reads tests/t:test <- own build"]
    );
}

#[test]
fn a_solution_below_the_root_builds_what_it_lists() {
    let sln = "\nMicrosoft Visual Studio Solution File\n\
        Project(\"{2150E333-8FDC-42A3-9474-1A3956D46DE8}\") = \"items\", \"items\", \"{1}\"\nEndProject\n\
        Project(\"{9A19103F-16F7-4668-BE54-9A1E7A4F7556}\") = \"A\", \"a\\A.csproj\", \"{2}\"\nEndProject\n\
        Project(\"{9A19103F-16F7-4668-BE54-9A1E7A4F7556}\") = \"T\", \"t\\T.csproj\", \"{3}\"\nEndProject\n\
        Project(\"{9A19103F-16F7-4668-BE54-9A1E7A4F7556}\") = \"Gone\", \"g\\Gone.csproj\", \"{4}\"\nEndProject\n";
    let tree = format!(
        "== All.sln\n{sln}== src/Group.sln\n\u{feff}{sln}== src/a/A.csproj\n{}== src/t/T.csproj\n{}",
        project(""),
        project("<ItemGroup><PackageReference Include=\"xunit\"/></ItemGroup>")
    );
    assert_eq!(
        claims(&tree, "edge src ->"),
        ["edge src -> src/a Build src/Group.sln:5", "edge src -> src/t Test src/Group.sln:7"]
    );
    assert_eq!(claims(&tree, "dangling"), ["dangling src wants Gone.csproj src/Group.sln:9"]);
    assert_eq!(
        claims(&tree, "task src:"),
        ["task src:build `dotnet build src/Group.sln`", "task src:test `dotnet test src/Group.sln`"]
    );
    assert_eq!(build_inputs(&tree, "src"), ["src/Group.sln All []"]);
    assert_eq!(claims(&tree, "project . "), [""; 0]);
}

#[test]
fn an_xml_solution_is_read_too() {
    let tree = format!(
        "== src/Group.slnx\n<Solution><Folder Name=\"/x/\"><Project Path=\"a/A.csproj\" /></Folder></Solution>\n== src/a/A.csproj\n{}",
        project("")
    );
    assert_eq!(claims(&tree, "edge"), ["edge src -> src/a Build src/Group.slnx:1"]);
}

#[test]
fn old_style_projects_have_a_namespace() {
    let tree = format!(
        "== a/A.csproj\n<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Project ToolsVersion=\"15.0\" xmlns=\"http://schemas.microsoft.com/developer/msbuild/2003\">\n\
         <Import Project=\"$(MSBuildExtensionsPath)\\$(MSBuildToolsVersion)\\Microsoft.Common.props\" />\n\
         <ItemGroup><ProjectReference Include=\"..\\b\\B.vbproj\"><Project>{{1}}</Project><Name>B</Name></ProjectReference></ItemGroup>\n</Project>\n\
         == b/B.vbproj\n{}",
        project("")
    );
    assert_eq!(claims(&tree, "edge"), ["edge a -> b Build a/A.csproj:4"]);
    assert_eq!(claims(&tree, "Warning"), [""; 0]);
}

#[test]
fn two_projects_in_one_folder_claim_it_both() {
    let tree = format!("== a/A.csproj\n{}== a/B b.csproj\n{}", project(""), project(""));
    assert_eq!(
        claims(&tree, "task"),
        ["task a:build `dotnet build 'a/B b.csproj'`", "task a:build `dotnet build a/A.csproj`"]
    );
}

#[test]
fn default_globs_take_in_a_project_below_unless_it_is_removed() {
    let tree = |body: &str| format!("== a/A.csproj\n{}== a/tests/T.csproj\n{}", project(body), project(""));
    assert_eq!(
        build_inputs(&tree(""), "a"),
        ["a All [**/*.{cs,resx,razor,cshtml} !**/bin/** !**/obj/** !**/.*/**]", "a Owned []"]
    );
    let removed = tree("<ItemGroup><Compile Remove=\"tests\\**\" /></ItemGroup>");
    assert_eq!(
        build_inputs(&removed, "a"),
        ["a All [**/*.{cs,resx,razor,cshtml} !**/bin/** !**/obj/** !**/.*/** !tests/**]", "a Owned []"]
    );
}

#[test]
fn case_96_a_broken_project_is_still_planned() {
    let tree = "== Directory.Build.props\n<Project/>\n== a/A.csproj\n<Project><ItemGroup>\n";
    assert_eq!(claims(tree, "project"), ["project a Code Admitted [A] Own"]);
    assert_eq!(build_inputs(tree, "a"), ["Directory.Build.props All []", "a Owned []"]);
    assert_eq!(claims(tree, "task a:test").len(), 1);
}

#[test]
fn case_96_properties_that_blow_up_count_as_unknown() {
    let mut body = "<PropertyGroup><P0>ab</P0><Loop>$(Loop)x</Loop>".to_owned();
    for level in 1..40 {
        body.push_str(&format!("<P{level}>$(P{0})$(P{0})</P{level}>", level - 1));
    }
    let nested = format!("{}x{}", "$([MSBuild]::NormalizePath(".repeat(5000), "))".repeat(5000));
    body.push_str(&format!(
        "</PropertyGroup><ItemGroup><Compile Include=\"$(P39)/x.cs;$(Loop)\"/><Compile Include=\"{nested}\"/></ItemGroup>"
    ));
    let tree = format!("== a/A.csproj\n{}", project(&body));
    let inputs = build_inputs(&tree, "a");
    assert!(inputs.contains(&". All [**/x.cs]".to_owned()));
    assert!(inputs.contains(&". All [**]".to_owned()));
}

#[test]
fn props_of_other_tools_are_no_error() {
    assert!(Dotnet::read(b"gradle.props", b"key=value\n").is_ok());
    assert!(Dotnet::read(b"other.props", b"<other/>").is_ok());
    assert!(Dotnet::read(b"x.csproj", b"<other/>").is_err());
    assert!(Dotnet::read(b"x.props", b"<Project><broken>").is_err());
}
