const mostBytes = 128;
/** What nearly all clients are called: nothing of it needs a closer look. */
const plainName = /^[A-Za-z0-9._-]{1,128}/;

/**
 * Who a client that names no field manager is: what stands before the slash in its user agent, as far as it can be
 * printed. `header` as Node gives it: a character for each byte.
 */
export function managerFromUserAgent(header: string): string {
  const [plain = ''] = plainName.exec(header) ?? [];
  if (plain !== '' && (plain.length === header.length || header[plain.length] === '/')) return plain;
  const text = Buffer.from(header.split('/')[0] ?? '', 'latin1').toString();
  let name = '';
  let size = 0;
  for (const each of text) {
    if (/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(each)) continue;
    size += Buffer.byteLength(each);
    if (size > mostBytes) break;
    name += each;
  }
  return name;
}
