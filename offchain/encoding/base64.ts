/** Writes bytes as base64 with padding. @see RFC 4648 section 4 */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Reads base64 with padding; undefined where the text is not canonical. @see RFC 4648 sections 3.5 and 4 */
export function parseBase64(text: string): Uint8Array | undefined {
  const binary = canonicalBinary(text);
  if (binary === undefined) return undefined;
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

/** Reads base64 whose padding may be missing; undefined where the text is not canonical otherwise. */
export function parseUnpaddedBase64(text: string): Uint8Array | undefined {
  return parseBase64(text.padEnd(4 * Math.ceil(text.length / 4), "="));
}

/** Reads unpadded base64url; undefined where the text is not canonical. @see RFC 4648 section 5; RFC 7515 section 2 */
export function parseBase64Url(text: string): Uint8Array | undefined {
  return /^[\w-]*$/.test(text) ? parseUnpaddedBase64(text.replaceAll("-", "+").replaceAll("_", "/")) : undefined;
}

/** Writes bytes as unpadded base64url. @see RFC 4648 section 5; RFC 7515 section 2 */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** One UTF-16 unit for each byte. */
function canonicalBinary(text: string): string | undefined {
  try {
    const binary = atob(text);
    return btoa(binary) === text ? binary : undefined;
  } catch {
    return undefined;
  }
}
