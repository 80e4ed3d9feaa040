/** Returns every form in which a user and a password could leak: plain, percent-encoded and in base64. */
export function listSecretForms(user: string, password: string): readonly string[] {
  const pair = `${user}:${password}`;
  // The three possible offsets in a group of base64, without the letters that depend on neighbouring text.
  const inBase64 = [0, 1, 2].map((before) =>
    Buffer.from(" ".repeat(before) + pair)
      .toString("base64")
      .slice(before === 0 ? 0 : 4, -4),
  );
  const base64OfPassword = Buffer.from(password).toString("base64").replaceAll("=", "");
  return [user, password, encodeURIComponent(password), encodeURI(password), base64OfPassword, ...inBase64];
}
