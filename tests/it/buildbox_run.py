"""Runs actions for buildbox-casd without a sandbox: `buildbox-run --remote=URL --action=FILE --action-result=FILE …`."""

import hashlib
import os
import subprocess
import sys
import tempfile

import grpc
from buildgrid._protos.build.bazel.remote.execution.v2 import remote_execution_pb2 as api
from buildgrid._protos.build.bazel.remote.execution.v2 import remote_execution_pb2_grpc as stubs

if "--validate-parameters" in sys.argv:
    sys.exit(0)
arguments = dict(argument[2:].split("=", 1) for argument in sys.argv[1:] if argument.startswith("--") and "=" in argument)
remote = arguments["remote"].removeprefix("http://")
storage = stubs.ContentAddressableStorageStub(grpc.insecure_channel(remote))


def read(digest):
    if digest.size_bytes == 0:
        return b""
    return storage.BatchReadBlobs(api.BatchReadBlobsRequest(digests=[digest])).responses[0].data


def keep(data):
    digest = api.Digest(hash=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
    request = api.BatchUpdateBlobsRequest.Request(digest=digest, data=data)
    storage.BatchUpdateBlobs(api.BatchUpdateBlobsRequest(requests=[request]))
    return digest


def stage(digest, folder):
    os.makedirs(folder, exist_ok=True)
    directory = api.Directory.FromString(read(digest))
    for node in directory.files:
        place = os.path.join(folder, node.name)
        with open(place, "wb") as file:
            file.write(read(node.digest))
        os.chmod(place, 0o755 if node.is_executable else 0o644)
    for node in directory.symlinks:
        os.symlink(node.target, os.path.join(folder, node.name))
    for node in directory.directories:
        stage(node.digest, os.path.join(folder, node.name))


def file_node(kind, place, **names):
    with open(place, "rb") as file:
        return kind(digest=keep(file.read()), is_executable=os.access(place, os.X_OK), **names)


def capture(folder, children):
    directory = api.Directory()
    for name in sorted(os.listdir(folder)):
        place = os.path.join(folder, name)
        if os.path.islink(place):
            directory.symlinks.add(name=name, target=os.readlink(place))
        elif os.path.isdir(place):
            child = capture(place, children)
            children.append(child)
            directory.directories.add(name=name, digest=keep(child.SerializeToString()))
        else:
            directory.files.append(file_node(api.FileNode, place, name=name))
    return directory


with open(arguments["action"], "rb") as file:
    action = api.Action.FromString(file.read())
command = api.Command.FromString(read(action.command_digest))
result = api.ActionResult()
with tempfile.TemporaryDirectory() as root:
    stage(action.input_root_digest, root)
    with open(os.path.join(root, "ran-by"), "w") as file:
        file.write("the cluster\n")
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin")}
    environment.update({variable.name: variable.value for variable in command.environment_variables})
    ended = subprocess.run(
        command.arguments,
        cwd=os.path.join(root, command.working_directory),
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    result.exit_code = ended.returncode
    result.stdout_digest.CopyFrom(keep(ended.stdout))
    result.stderr_digest.CopyFrom(keep(ended.stderr))
    for path in command.output_paths:
        place = os.path.join(root, path)
        if os.path.islink(place):
            result.output_symlinks.add(path=path, target=os.readlink(place))
        elif os.path.isdir(place):
            children = []
            tree = api.Tree(root=capture(place, children), children=children)
            result.output_directories.add(path=path, tree_digest=keep(tree.SerializeToString()))
        elif os.path.exists(place):
            result.output_files.append(file_node(api.OutputFile, place, path=path))
with open(arguments["action-result"], "wb") as file:
    file.write(result.SerializeToString())
