//! Charts of applications.

use std::io;

use super::monorepo::Package;
use super::stream::Stream;

const DEPLOYMENT: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Chart.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels:
      app: {{ .Chart.Name }}
  template:
    metadata:
      labels:
        app: {{ .Chart.Name }}
    spec:
      containers:
        - name: application
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
"#;
const SERVICE: &str = r#"apiVersion: v1
kind: Service
metadata:
  name: {{ .Chart.Name }}
spec:
  selector:
    app: {{ .Chart.Name }}
  ports:
    - port: 80
"#;

/// Writes a chart with two templates into the package's folder `chart`.
pub fn write(package: &Package, stream: &mut Stream) -> io::Result<()> {
    let (folder, id) = (&package.folder, &package.id);
    let chart = format!("apiVersion: v2\nname: {id}\nversion: 1.0.0\nappVersion: \"1.0.0\"\n");
    stream.file(&format!("{folder}/chart/Chart.yaml"), &chart)?;
    let values = format!("replicas: 2\nimage:\n  repository: registry.example/acme/{id}\n  tag: \"1.0.0\"\n");
    stream.file(&format!("{folder}/chart/values.yaml"), &values)?;
    stream.file(&format!("{folder}/chart/templates/deployment.yaml"), DEPLOYMENT)?;
    stream.file(&format!("{folder}/chart/templates/service.yaml"), SERVICE)
}
