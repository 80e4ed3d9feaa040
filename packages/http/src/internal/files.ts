// An entry for the other packages of this repository. It is not documented and may change in any release. It is apart from
// ./index.ts, because the ledger needs files and not the rest.
export { type FileLock, isLocked, lockFile } from "../files/file-lock.ts";
export { carefully, Folder, isSameFile } from "../files/folder.ts";
export { openDatabase } from "../files/open-database.ts";
export { writeOutput, writeOutputFile } from "../files/output-file.ts";
export { createFile, describeKind, explainForeign, openOwnFile } from "../files/own-file.ts";
export { checkDirect, isDirect, resolveTypedPath } from "../files/typed-path.ts";
export { readNewFileMode } from "../files/umask.ts";
