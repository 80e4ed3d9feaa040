import { refusedPort } from "holdfast/testing";

const url = `http://127.0.0.1:${await refusedPort()}/`;

// #region errors
import { ConnectionError, isFailure, Session } from "holdfast";

await using session = new Session({ retry: 1 });

try {
  await session.get(url);
} catch (error) {
  if (!isFailure(error)) throw error;
  console.error(error.message, error.verdict?.advice);
  console.log(error instanceof ConnectionError, error.attempts.length);
}
// #endregion
