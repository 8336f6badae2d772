/** A reference in its full form, as `github.com/distribution/reference` normalizes it. */
export interface ImageReference {
  /** `docker.io` where none is given. */
  readonly domain: string;
  /** `library/nginx` for `nginx`. */
  readonly path: string;
  /** Absent only where there is a digest. */
  readonly tag?: string;
  /** `sha256:…`. */
  readonly digest?: string;
}

const pathPattern = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const domainPattern =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[0-9a-fA-F:]+\])(?::\d+)?$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/;

/** Undefined for what is not a reference: upper case in the path, a bad tag, a bad digest, more than 255 characters. */
export function parseReference(text: string): ImageReference | undefined {
  const [beforeDigest = '', digest, more] = text.split('@');
  if (more !== undefined || (digest !== undefined && !digestPattern.test(digest))) return undefined;
  const colon = beforeDigest.lastIndexOf(':');
  const tagged = colon > beforeDigest.lastIndexOf('/');
  const name = tagged ? beforeDigest.slice(0, colon) : beforeDigest;
  const tag = tagged ? beforeDigest.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagPattern.test(tag)) return undefined;
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasDomain = first !== '' && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const domain = hasDomain ? (first === 'index.docker.io' ? 'docker.io' : first) : 'docker.io';
  let path = hasDomain ? name.slice(slash + 1) : name;
  if (domain === 'docker.io' && !path.includes('/')) path = `library/${path}`;
  if (!pathPattern.test(path) || !domainPattern.test(domain) || domain.length + path.length > 254) return undefined;
  if (digest !== undefined) return { domain, path, digest, ...(tag === undefined ? {} : { tag }) };
  return { domain, path, tag: tag ?? 'latest' };
}

/** `docker.io/library/nginx:latest`; a digest wins over the tag, as in CRI's `repoDigests`. */
export function formatReference(reference: ImageReference): string {
  const name = `${reference.domain}/${reference.path}`;
  return reference.digest === undefined ? `${name}:${reference.tag ?? 'latest'}` : `${name}@${reference.digest}`;
}

/** The full form of `text`, or undefined for what is not a reference. */
export function normalizeReference(text: string): string | undefined {
  const reference = parseReference(text);
  return reference === undefined ? undefined : formatReference(reference);
}
