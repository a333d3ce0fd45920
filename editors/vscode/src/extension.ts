/** The extension: starts the server, hands it the settings, and offers to install it where there is none. */

import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions } from "vscode-languageclient/node";

import { DOCUMENTS, SECTION } from "./documents";
import { type Command, type Places, findServer, installServer } from "./server";

const INSTALL = "Install";
const PYTHON_EXTENSION = "ms-python.python";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  context.subscriptions.push(
    vscode.commands.registerCommand("headlint.restart", () => restart(context)),
    vscode.commands.registerCommand("headlint.install", () => install(context)),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration("headlint.path")) {
        await restart(context);
      }
    }),
  );
  await restart(context);
}

export async function deactivate(): Promise<void> {
  await client?.stop();
  client = undefined;
}

async function restart(context: vscode.ExtensionContext): Promise<void> {
  await deactivate();
  const command = await findServer(await places(context));
  if (command) {
    await start(command);
  } else if ((await vscode.window.showInformationMessage("headlint is not installed.", INSTALL)) === INSTALL) {
    await install(context);
  }
}

async function install(context: vscode.ExtensionContext): Promise<void> {
  await deactivate();
  const progress = { location: vscode.ProgressLocation.Notification, title: "Installing headlint" };
  try {
    await start(await vscode.window.withProgress(progress, async () => installServer(await places(context))));
  } catch (error) {
    await vscode.window.showErrorMessage(`headlint: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function start(command: Command): Promise<void> {
  const options: LanguageClientOptions = {
    documentSelector: DOCUMENTS,
    synchronize: { configurationSection: SECTION },
  };
  client = new LanguageClient(SECTION, "headlint", command, options);
  await client.start();
}

async function places(context: vscode.ExtensionContext): Promise<Places> {
  return {
    path: vscode.workspace.getConfiguration(SECTION).get("path", ""),
    interpreter: await interpreter(),
    own: vscode.Uri.joinPath(context.globalStorageUri, "environment").fsPath,
  };
}

/** The interpreter that Microsoft's Python extension has selected, if it is installed. */
async function interpreter(): Promise<string> {
  const extension = vscode.extensions.getExtension(PYTHON_EXTENSION);
  if (!extension) {
    return "";
  }
  const python = extension.isActive ? extension.exports : await extension.activate();
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const environment = await python?.environments?.resolveEnvironment(
    python.environments.getActiveEnvironmentPath(folder),
  );
  return environment?.executable?.uri?.fsPath ?? "";
}
