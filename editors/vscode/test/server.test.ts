/** The client's part against the real server: found, started, asked about a program, as the extension does it. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { createProtocolConnection, StreamMessageReader, StreamMessageWriter } from "vscode-languageserver-protocol/node";
import {
  CodeActionRequest,
  ConfigurationRequest,
  DidOpenTextDocumentNotification,
  ExitNotification,
  InitializedNotification,
  InitializeRequest,
  PublishDiagnosticsNotification,
  ShutdownRequest,
  type PublishDiagnosticsParams,
} from "vscode-languageserver-protocol/node";

import { DOCUMENTS, SECTION } from "../src/documents";
import { type Command, findServer, installServer } from "../src/server";

const PROGRAM = `import torch.nn as nn

net = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(net(x), y)
`;
/** An interpreter with headlint and what its server needs. */
const PYTHON = process.env.HEADLINT_PYTHON ?? "python3";
const FOLDER = mkdtempSync(join(tmpdir(), "headlint-vscode-"));
const NOWHERE = { path: "", interpreter: "", own: join(FOLDER, "none") };

async function codesOf(command: Command, settings: object): Promise<unknown[]> {
  const file = join(FOLDER, "model.py");
  writeFileSync(file, PROGRAM);
  const uri = pathToFileURL(file).toString();
  const server = spawn(command.command, command.args, { stdio: ["pipe", "pipe", "inherit"], cwd: FOLDER });
  const connection = createProtocolConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  const published = new Promise<PublishDiagnosticsParams>((resolve) =>
    connection.onNotification(PublishDiagnosticsNotification.type, resolve),
  );
  connection.onRequest(ConfigurationRequest.type, ({ items }) =>
    items.map((item) => (item.section === SECTION ? settings : null)),
  );
  connection.listen();
  await connection.sendRequest(InitializeRequest.type, {
    processId: process.pid,
    rootUri: pathToFileURL(FOLDER).toString(),
    capabilities: { workspace: { configuration: true } },
    workspaceFolders: [{ uri: pathToFileURL(FOLDER).toString(), name: "project" }],
  });
  await connection.sendNotification(InitializedNotification.type, {});
  await connection.sendNotification(DidOpenTextDocumentNotification.type, {
    textDocument: { uri, languageId: DOCUMENTS[0].language, version: 1, text: PROGRAM },
  });
  const { diagnostics } = await published;
  for (const diagnostic of diagnostics) {
    const actions = await connection.sendRequest(CodeActionRequest.type, {
      textDocument: { uri },
      range: diagnostic.range,
      context: { diagnostics: [diagnostic] },
    });
    assert.ok(actions?.length, "a fix or a comment is offered");
  }
  await connection.sendRequest(ShutdownRequest.type);
  await connection.sendNotification(ExitNotification.type);
  await new Promise((resolve) => server.once("exit", resolve));
  return diagnostics.map((diagnostic) => diagnostic.code);
}

test("the server in the selected environment reports the mistake", async () => {
  const command = await findServer({ ...NOWHERE, interpreter: PYTHON });
  assert.deepEqual(command, { command: PYTHON, args: ["-I", "-m", "headlint", "server"] });
  assert.deepEqual(await codesOf(command, {}), ["HL101"]);
});

test("the editor's settings reach the server", async () => {
  const command = await findServer({ ...NOWHERE, interpreter: PYTHON });
  assert.ok(command);
  assert.deepEqual(await codesOf(command, { ignore: ["HL101"] }), []);
});

test("a path that is set is taken before anything else", async () => {
  assert.deepEqual(await findServer({ ...NOWHERE, path: "/opt/headlint", interpreter: PYTHON }), {
    command: "/opt/headlint",
    args: ["server"],
  });
});

test("headlint on the PATH is found", async () => {
  const path = process.env.PATH;
  process.env.PATH = dirname(PYTHON);
  try {
    assert.deepEqual(await findServer(NOWHERE), { command: "headlint", args: ["server"] });
  } finally {
    process.env.PATH = path;
  }
});

test("where headlint is not installed, nothing is found", async () => {
  const path = process.env.PATH;
  process.env.PATH = FOLDER;
  try {
    assert.equal(await findServer({ ...NOWHERE, interpreter: join(FOLDER, "no-python") }), undefined);
  } finally {
    process.env.PATH = path;
  }
});

test("it is installed into an environment of its own", { skip: !process.env.HEADLINT_WHEEL }, async () => {
  const own = { ...NOWHERE, interpreter: PYTHON, own: join(FOLDER, "own") };
  const installed = await installServer(own, `${process.env.HEADLINT_WHEEL}[lsp]`);
  assert.ok(installed.command.startsWith(own.own));
  assert.deepEqual(await codesOf(installed, {}), ["HL101"]);
  assert.deepEqual(await findServer({ ...own, interpreter: "" }), installed);
});
