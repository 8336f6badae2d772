import { posix } from 'node:path';

/**
 * The path of a webhook's URL as Kubernetes' client sends it: taken from its escapes, without empty parts, dots and a
 * slash at the end, and escaped anew as Go does it. envtest writes URLs such as `https://127.0.0.1:9443//validate`.
 */
export function webhookPath(path: string): string {
  const joined = posix.join('/', unescaped(path));
  const cut = joined.length > 1 && joined.endsWith('/') ? joined.slice(0, -1) : joined;
  return encodeURIComponent(cut)
    .replace(notEscapedByGo, decodeURIComponent)
    .replace(/[!'()*]/g, escaped);
}

/** Go's EscapedPath leaves what may stand in a path, but for the marks that are escaped below. */
const notEscapedByGo = /%(?:2F|24|26|2B|2C|3A|3B|3D|40)/g;

const escaped = (mark: string) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`;

/** Bytes that are no text stay as they are. */
function unescaped(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return path;
    throw error;
  }
}
