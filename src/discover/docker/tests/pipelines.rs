//! Contexts that files of CI engines name.

use super::{inputs, lines};

/// A Dockerfile whose sources stand nowhere but in the folder that somebody names.
const SERVICE: &str = "\
== docker/api.Dockerfile
FROM x AS build
COPY src /src
FROM build
== services/api/src/a.ts
== services/web/src/a.ts
";

/// What the image of a pipeline reads of sources.
fn sources(file: &str, text: &str) -> Vec<String> {
    let tree = format!("{SERVICE}== {file}\n{text}\n");
    let found = lines(&tree, &["input"]).into_iter().filter(|line| line.contains("/src All"));
    found.map(|line| line.split(" <- ").nth(1).unwrap_or_default().split(" All").next().unwrap().to_owned()).collect()
}

#[test]
fn case_86_a_pipeline_that_names_a_context_is_believed() {
    for (file, text) in [
        (
            ".github/workflows/a.yml",
            "jobs:\n  a:\n    steps:\n      - run: docker build -f docker/api.Dockerfile services/api",
        ),
        (
            ".github/workflows/a.yml",
            "jobs:\n  a:\n    steps:\n      - run: |\n          make\n          cd services\n          docker build \\\n            -t a:${{ github.sha }} -f ../docker/api.Dockerfile ./api",
        ),
        (
            ".github/workflows/a.yml",
            "defaults: {run: {working-directory: services}}\njobs:\n  a:\n    steps:\n      - run: docker build -f ../docker/api.Dockerfile api",
        ),
        (
            ".github/workflows/a.yml",
            "jobs:\n  a:\n    steps:\n      - uses: docker/build-push-action@v6\n        with:\n          context: ${{ github.workspace }}/services/api\n          file: ./docker/api.Dockerfile\n          build-args: |\n            A=1\n            B=${{ x }}",
        ),
        (
            ".github/actions/image/action.yml",
            "runs:\n  steps:\n    - run: docker build -f docker/api.Dockerfile .\n      working-directory: services/api\n    - run: docker build -f ../../docker/api.Dockerfile .\n      working-directory: services/api",
        ),
        (
            "azure-pipelines.yml",
            "steps:\n- task: Docker@2\n  inputs:\n    command: build\n    Dockerfile: docker/api.Dockerfile\n    buildContext: $(Build.SourcesDirectory)/services/api",
        ),
        (
            "ops/azure-pipelines-api.yml",
            "steps:\n- script: docker build -f $(Build.SourcesDirectory)/docker/api.Dockerfile .\n  workingDirectory: services/api",
        ),
        (
            ".gitlab-ci.yml",
            "image:\n  script:\n    - cd services/api\n    - docker build -f \"$CI_PROJECT_DIR/docker/api.Dockerfile\" .",
        ),
        (
            ".gitlab-ci.yml",
            "image:\n  script:\n    - >-\n      /kaniko/executor\n      --context \"${CI_PROJECT_DIR}/services/api\"\n      --dockerfile docker/api.Dockerfile\n      --destination x:$CI_COMMIT_TAG",
        ),
        (
            ".circleci/config.yml",
            "jobs:\n  a:\n    working_directory: ~/repo\n    steps:\n      - run:\n          command: docker build -f docker/api.Dockerfile services/api",
        ),
        (
            ".circleci/config.yml",
            "workflows:\n  a:\n    jobs:\n      - docker/publish:\n          path: docker\n          dockerfile: api.Dockerfile\n          docker-context: services/api",
        ),
        ("Jenkinsfile", "node {\n  sh 'docker build -f docker/api.Dockerfile services/api'\n}"),
        (
            "Jenkinsfile",
            "// docker.build('no')\nnode { dir('services') {\n  def i = docker.build(\"api:${env.BUILD_ID}\", \"-f ../docker/api.Dockerfile ./api\")\n} }",
        ),
        (
            "Jenkinsfile.release",
            "stage('x') { steps { sh \"\"\"\n  make\n  cd \"$WORKSPACE/services\"\n  docker build -f ../docker/api.Dockerfile api\n\"\"\" } }",
        ),
    ] {
        assert_eq!(sources(file, text), ["services/api/src"], "{file}: {text}");
    }
}

#[test]
fn case_86_a_pipeline_that_does_not_say_which_context_is_no_evidence() {
    assert_eq!(sources("compose.txt", ""), [""; 0]);
    for (file, text) in [
        (
            ".github/workflows/a.yml",
            "steps:\n  - run: docker build -f docker/api.Dockerfile services/${{ matrix.name }}",
        ),
        (".github/workflows/a.yml", "steps:\n  - run: docker build -f docker/other.Dockerfile services/api"),
        (".github/workflows/a.yml", "steps:\n  - run: docker build -f docker/api.Dockerfile services/gone"),
        (
            ".github/workflows/a.yml",
            "steps:\n  - {run: docker build -f docker/api.Dockerfile services/api, working-directory: $X}",
        ),
        (".github/workflows/a.yml", "steps: [\n  - run: docker build -f docker/api.Dockerfile services/api"),
        (".github/other/a.yml", "steps:\n  - run: docker build -f docker/api.Dockerfile services/api"),
        (
            ".gitlab-ci.yml",
            "default: {before_script: [cd x]}\na: {script: [docker build -f docker/api.Dockerfile services/api]}",
        ),
        (
            "azure-pipelines.yml",
            "steps:\n- task: Docker@2\n  inputs: {command: push, Dockerfile: docker/api.Dockerfile, buildContext: services/api}",
        ),
        ("Jenkinsfile", "node { dir(where) { sh 'docker build -f docker/api.Dockerfile services/api' } }"),
        ("Jenkinsfile", "node { docker.build('api', options + ' services/api') }"),
    ] {
        assert_eq!(sources(file, text), [""; 0], "{file}: {text}");
    }
}

#[test]
fn case_86_contexts_of_compose_files_and_pipelines_all_count() {
    let workflow = "== .github/workflows/a.yml\nsteps:\n  - run: docker build -f docker/api.Dockerfile --target build services/api\n";
    let composed = |context: &str| {
        format!(
            "{SERVICE}{workflow}== compose.yaml\nservices:\n  api:\n    build: {{context: {context}, dockerfile: ../../docker/api.Dockerfile}}\n"
        )
    };
    let read: Vec<String> = inputs(&composed("services/web"), "docker:image.api");
    assert!(read.iter().any(|input| input.starts_with("services/web/src All")), "{read:?}");
    let tasks = lines(&composed("services/web"), &["task"]);
    assert!(tasks.iter().any(|task| task.contains("services/api`")), "{tasks:?}");
    // One context, whoever names it: only the stage is new.
    assert_eq!(
        lines(&composed("services/api"), &["task docker:image"]),
        [
            "task docker:image.api `docker build -f docker/api.Dockerfile -t docker-api services/api`",
            "task docker:image.api.build `docker build -f docker/api.Dockerfile --target build -t docker-api-build services/api`"
        ]
    );
}

#[test]
fn case_86_a_context_that_has_fewer_sources_than_another_is_not_believed() {
    let tree = "== svc/Dockerfile\nFROM x\nCOPY a.txt b.txt /\n== svc/a.txt\n== svc/b.txt\n== sub/svc/Dockerfile\nFROM x\n== sub/a.txt\n== .gitlab-ci.yml\nx: {script: [docker build -f svc/Dockerfile sub]}\n";
    assert_eq!(
        inputs(tree, "svc:image"),
        [
            "svc/Dockerfile All [] svc/Dockerfile:0",
            "svc/a.txt All [] svc/Dockerfile:2",
            "svc/b.txt All [] svc/Dockerfile:2"
        ]
    );
}
