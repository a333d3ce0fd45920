/** What the server is asked about: Python files, and the Python cells of notebooks. */

export const SECTION = "headlint";

export const DOCUMENTS = [
  { scheme: "file", language: "python" },
  { scheme: "untitled", language: "python" },
];

export const NOTEBOOKS = { notebook: { notebookType: "jupyter-notebook" }, cells: [{ language: "python" }] };
