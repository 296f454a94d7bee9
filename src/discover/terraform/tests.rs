use super::*;
use crate::discover::testing::{describe, links_of};

fn check(tree: &str, present: &[&str], absent: &[&str]) {
    let text = describe(&links_of::<Terraform>(tree));
    for line in present {
        assert!(text.lines().any(|found| found == *line), "missing `{line}` in\n{text}");
    }
    for part in absent {
        assert!(!text.contains(part), "found `{part}` in\n{text}");
    }
}

#[test]
fn case_95_a_module_reads_the_modules_that_it_calls() {
    check(
        "== envs/prod/main.tf\nmodule \"net\" {\n  # source = \"../no\"\n  source = \"../../modules/net\"\n}\nmodule \"vpc\" {\n  source = \"terraform-aws-modules/vpc/aws\"\n}\n\
         == modules/net/main.tf\nmodule \"gone\" { source = \"./gone\" }\n== modules/net/x.tf.json\n{\"module\": {\"db\": [{\"source\": \"../db\"}]}}\n== modules/db/a.tofu\n",
        &[
            "project envs/prod Code Admitted [] Own",
            "project modules/net Code Admitted [] Own",
            "project modules/db Code Admitted [] Own",
            "edge envs/prod -> modules/net Build envs/prod/main.tf:3",
            "edge modules/net -> modules/db Build modules/net/x.tf.json:1",
            "reads envs/prod:validate <- modules/net:validate",
            "task envs/prod:validate `terraform init -backend=false && terraform validate`",
            "input envs/prod:validate <- envs/prod Owned [] envs/prod/main.tf:0",
            "dangling modules/net wants gone modules/net/main.tf:1",
        ],
        &["../no", "vpc"],
    );
}

#[test]
fn case_95_paths_that_climb_out_are_inputs() {
    check(
        "== a/main.tf\nlocals {\n  one = jsondecode(file(\"${path.module}/../shared/one.json\"))\n  own = file(\"${path.module}/own.txt\")\n\
         \x20 many = [for f in fileset(path.module, \"x/*\") : file(\"${path.module}/../rules/${f}\")]\n  inner = \"x-${templatefile(\"../shared/t.tpl\", { a = \"}\" })}\"\n\
         \x20 doc = <<-EOT\n    ${file(\"../shared/doc.md\")}\n    file(\"../shared/no.md\") $${file(\"../shared/no.md\")}\n  EOT\n  gone = file(\"../shared/gone\")\n  key = file(\"~/.ssh/key\")\n  var = file(var.where)\n}\n\
         data \"archive_file\" \"fn\" {\n  source_dir = \"${path.module}/../../src/fn\"\n}\n\
         == a/own.txt\n== shared/one.json\n== shared/t.tpl\n== shared/doc.md\n== shared/no.md\n== rules/r.json\n",
        &[
            "input a:validate <- a/own.txt All [] a/main.tf:3",
            "input a:validate <- shared/one.json All [] a/main.tf:2",
            "input a:validate <- rules All [] a/main.tf:4",
            "input a:validate <- shared/t.tpl All [] a/main.tf:5",
            "input a:validate <- shared/doc.md All [] a/main.tf:7",
            "edge a -> owner of shared/one.json Deploy a/main.tf:2",
            "dangling a wants gone a/main.tf:10",
            "Warning outside-repository: `~/.ssh/key` lies outside the repository, so its changes are not seen a/main.tf:11",
            "Note computed-path: the path that `file` reads is worked out, so it is not known a/main.tf:12",
        ],
        &["no.md"],
    );
}

#[test]
fn values_of_variables_may_be_paths() {
    check(
        "== a/main.tf\nvariable \"policy\" { default = \"../shared/p.json\" }\n== a/envs/prod.tfvars\n== a/prod.auto.tfvars\nrules = [\"../shared/r.json\"]\n== shared/p.json\n== shared/r.json\n",
        &[
            "input a:validate <- shared/p.json All [] a/main.tf:1",
            "input a:validate <- shared/r.json All [] a/prod.auto.tfvars:1",
        ],
        &["project a/envs"],
    );
}

#[test]
fn case_91_the_lockfile_is_read_by_provider() {
    let lock = "== a/.terraform.lock.hcl\nprovider \"registry.terraform.io/hashicorp/aws\" {\n  version = \"5.0.0\"\n  hashes = [\n    \"h1:a\",\n  ]\n}\n\
                provider \"registry.terraform.io/datadog/datadog\" {\n  version = \"3.0.0\"\n}\nprovider \"registry.terraform.io/hashicorp/null\" {\n  version = \"3.2.0\"\n}\n";
    let module = "== m/m.tf\nterraform {\n  required_providers {\n    dd = {\n      source = \"DataDog/datadog\"\n    }\n  }\n}\nresource \"dd_monitor\" \"x\" {}\n";
    check(
        &format!(
            "== a/main.tf\nresource \"aws_vpc\" \"x\" {{\n}}\nmodule \"m\" {{\n  source = \"../m\"\n}}\n{module}{lock}"
        ),
        &[
            "slice a:validate <- a/.terraform.lock.hcl `registry.terraform.io/hashicorp/aws`",
            "slice a:validate <- a/.terraform.lock.hcl `registry.terraform.io/datadog/datadog`",
            "input a:validate <- a Owned [] but a/.terraform.lock.hcl a/main.tf:0",
        ],
        &["hashicorp/null"],
    );
    // A module from elsewhere may need any provider.
    check(
        &format!(
            "== a/main.tf\nresource \"aws_vpc\" \"x\" {{\n}}\nmodule \"m\" {{\n  source = \"acme/m/aws\"\n}}\n{lock}"
        ),
        &["input a:validate <- a Owned [] a/main.tf:0"],
        &["slice"],
    );
}

#[test]
fn the_order_of_checksums_says_nothing() {
    let lock = |hashes: &str| {
        let text = format!("provider \"x/y/z\" {{\n  version = \"1\" # why\n  hashes = [{hashes}]\n}}\n");
        read_lock(text.as_bytes()).unwrap().fragments.slices()
    };
    assert_eq!(lock("\"a\", \"b\""), lock("\n\"b\",\n\"a\","));
    assert_ne!(lock("\"a\", \"b\""), lock("\"a\", \"c\""));
}

#[test]
fn modules_inside_another_project_take_no_files_from_it() {
    check(
        "== svc/package.json\n== svc/infra/main.tf\nmodule \"m\" {\n  source = \"../../modules/m\"\n}\n== svc/test/fixtures/x/main.tf\n== modules/m/m.tf\n",
        &[
            "task svc:validate `terraform init -backend=false && terraform validate`",
            "input svc:validate <- svc/infra All [] svc/infra/main.tf:0",
            "edge svc -> modules/m Deploy svc/infra/main.tf:2",
            "reads svc:validate <- modules/m:validate",
        ],
        &["project svc", "fixtures"],
    );
}

#[test]
fn a_module_at_the_root_leaves_the_rest_alone() {
    check(
        "== main.tf\nlocals { x = file(\"${path.module}/templates/x.tpl\") }\n== templates/x.tpl\n== app/go.mod\n",
        &["input .:validate <- templates/x.tpl All [] main.tf:1"],
        &["project . Code Admitted [] Own"],
    );
}

#[test]
fn terragrunt_units_read_what_they_include() {
    check(
        "== live/terragrunt.hcl\nremote_state {}\nlocals { x = file(\"../keys/k.json\") }\n== keys/k.json\n== live/prod/db/terragrunt.hcl\ninclude \"root\" {\n  path = find_in_parent_folders()\n}\n\
         terraform {\n  source = \"${get_repo_root()}/modules//db\"\n}\ndependency \"net\" {\n  config_path = \"../net\"\n}\n\
         == live/prod/net/terragrunt.hcl\nterraform { source = \"git::https://x/y.git//z?ref=${local.v}\" }\n== modules/db/main.tf\n",
        &[
            "edge live/prod/db -> modules/db Build live/prod/db/terragrunt.hcl:5",
            "edge live/prod/db -> live/prod/net Build live/prod/db/terragrunt.hcl:8",
            "input live/prod/db:validate <- live/terragrunt.hcl All [] live/prod/db/terragrunt.hcl:2",
            "input live/prod/db:validate <- keys/k.json All [] live/terragrunt.hcl:2",
            "task live/prod/db:validate `terragrunt validate`",
        ],
        &["project live Code"],
    );
    check(
        "== root.hcl\nlocals { a = read_terragrunt_config(find_in_parent_folders(\"account.hcl\")) }\n== prod/account.hcl\n== prod/env.hcl\n== prod/db/terragrunt.hcl\n\
         include \"root\" { path = find_in_parent_folders(\"root.hcl\") }\ninclude \"common\" { path = \"${dirname(find_in_parent_folders(\"root.hcl\"))}/_common/db.hcl\" }\n\
         terraform { source = \"${include.common.locals.url}?ref=v1\" }\n== _common/db.hcl\nlocals { e = read_terragrunt_config(find_in_parent_folders(\"env.hcl\")) }\n",
        &[
            "input prod/db:validate <- root.hcl All [] prod/db/terragrunt.hcl:1",
            "input prod/db:validate <- prod/account.hcl All [] prod/db/terragrunt.hcl:1",
            "input prod/db:validate <- _common/db.hcl All [] prod/db/terragrunt.hcl:2",
            "input prod/db:validate <- prod/env.hcl All [] _common/db.hcl:1",
        ],
        &["Warning", "project prod Code", "project . "],
    );
}

#[test]
fn a_source_that_is_worked_out_is_a_doubt() {
    let links = links_of::<Terraform>("== a/a.tf\nmodule \"m\" {\n  source = \"${var.base}/m\"\n}\n");
    assert_eq!(links.doubts.len(), 1);
    assert_eq!(links.doubts[0].1.code, "computed-path");
}

#[test]
fn case_96_broken_and_hostile_files_are_refused_and_cost_little() {
    for broken in ["a = \"x", "a = \"x\ny\"", "/* x", "a = <<EOT\nx\n", "a = \"${x", "a = \"${\"", "\"\\"] {
        assert!(Configuration::read(broken.as_bytes()).is_err(), "{broken}");
    }
    for hostile in ["{".repeat(1_000_000), "\"${".repeat(500_000), "a \"b\" {".repeat(200_000)] {
        assert!(Configuration::read(hostile.as_bytes()).is_err());
    }
    let many = "a = \"${b}\" <<X\n".repeat(100_000);
    assert!(Configuration::read(many.as_bytes()).is_err());
    assert!(Configuration::read("file(".repeat(500_000).as_bytes()).is_ok());
    assert!(Configuration::read_json(b"{\"a\": \"${file(\\\"x\"}").is_ok());
    check(
        "== a/main.tf\nx = \"\n== a/b.tf\nmodule \"m\" { source = \"../m\" }\n== m/m.tf\n",
        &["project a Code Admitted [] Own", "edge a -> m Build a/b.tf:1"],
        &[],
    );
}
