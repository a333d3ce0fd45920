/** Where the server is, and how the extension's own is installed. Knows nothing of VS Code, so that it can be tested. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A program and its arguments. */
export interface Command {
  command: string;
  args: string[];
}

/** What the editor knows about where the server may be; an empty text is nothing. */
export interface Places {
  /** The setting `headlint.path`. */
  path: string;
  /** The interpreter that is selected for the workspace. */
  interpreter: string;
  /** The folder of the extension's own environment. */
  own: string;
}

const WINDOWS = process.platform === "win32";
/** The extra that brings what the server needs. */
export const REQUIREMENT = "headlint[lsp]";

/** The command that starts the server, or undefined where none is installed. A path that is set is taken as it is. */
export async function findServer(places: Places): Promise<Command | undefined> {
  if (places.path) {
    return { command: places.path, args: ["server"] };
  }
  for (const python of [places.interpreter, pythonOf(places.own)]) {
    const found = python ? await inEnvironment(python) : undefined;
    if (found) {
      return found;
    }
  }
  return onPath();
}

/** Make the extension's own environment, and give the command that starts its server. */
export async function installServer(places: Places, requirement = REQUIREMENT): Promise<Command> {
  const base = await firstThatRuns([places.interpreter, "python3", "python"]);
  if (!base) {
    throw new Error("no Python was found: select an interpreter, or set headlint.path");
  }
  if (!existsSync(pythonOf(places.own))) {
    await run(base, ["-m", "venv", places.own]);
  }
  await run(pythonOf(places.own), ["-m", "pip", "install", "--quiet", "--upgrade", requirement]);
  const installed = await inEnvironment(pythonOf(places.own));
  if (!installed) {
    throw new Error(`${requirement} was installed in ${places.own}, but its server does not start`);
  }
  return installed;
}

/** The interpreter of an environment. */
function pythonOf(environment: string): string {
  return WINDOWS ? join(environment, "Scripts", "python.exe") : join(environment, "bin", "python");
}

async function inEnvironment(python: string): Promise<Command | undefined> {
  // -I keeps a file of the workspace named headlint.py from being taken for the package.
  return (await runs(python, ["-I", "-c", "import headlint, pygls"]))
    ? { command: python, args: ["-I", "-m", "headlint", "server"] }
    : undefined;
}

/** A server whose input ends at once exits with 1; a headlint that lacks what the server needs exits with 2. */
async function onPath(): Promise<Command | undefined> {
  const server = { command: "headlint", args: ["server"] };
  const running = run(server.command, server.args, { timeout: 20_000 });
  running.child.stdin?.end();
  const status = await running.then(() => 0, (error: { code?: unknown }) => error.code);
  return status === 0 || status === 1 ? server : undefined;
}

async function firstThatRuns(candidates: string[]): Promise<string | undefined> {
  for (const candidate of candidates) {
    if (candidate && (await runs(candidate, ["--version"]))) {
      return candidate;
    }
  }
  return undefined;
}

async function runs(command: string, args: string[]): Promise<boolean> {
  try {
    await run(command, args, { timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}
