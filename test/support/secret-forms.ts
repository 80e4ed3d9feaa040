/** Every form in which a user and a password may show up where they should not: plain, percent-encoded, in base64. */
export function listSecretForms(user: string, password: string): readonly string[] {
  const pair = `${user}:${password}`;
  // At each of the three places where a group of base64 may begin, without the letters that others have a part in.
  const inBase64 = [0, 1, 2].map((before) =>
    Buffer.from(" ".repeat(before) + pair)
      .toString("base64")
      .slice(before === 0 ? 0 : 4, -4),
  );
  const base64OfPassword = Buffer.from(password).toString("base64").replaceAll("=", "");
  return [user, password, encodeURIComponent(password), encodeURI(password), base64OfPassword, ...inBase64];
}
