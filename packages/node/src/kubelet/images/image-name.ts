/** The parts of an image reference (github.com/distribution/reference): `registry/path:tag@digest`. */
export interface ImageName {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const repositoryForm = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const tagForm = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const digestForm = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/;
const registryForm = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/;

/** `undefined` for what is not an image reference. */
export function parseImageName(text: string): ImageName | undefined {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const rest = at < 0 ? text : text.slice(0, at);
  const slash = rest.lastIndexOf('/');
  const colon = rest.indexOf(':', slash + 1);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  const name = colon < 0 ? rest : rest.slice(0, colon);
  const first = name.split('/')[0] ?? '';
  const hasRegistry =
    name.includes('/') && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const registry = hasRegistry ? first : 'docker.io';
  const path = hasRegistry ? name.slice(first.length + 1) : name;
  const repository = registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path;
  const valid =
    registryForm.test(registry) &&
    repositoryForm.test(repository) &&
    (tag === undefined || tagForm.test(tag)) &&
    (digest === undefined || digestForm.test(digest));
  return valid ? { registry, repository, tag, digest } : undefined;
}

/** Adds `:latest` where neither tag nor digest is given. `undefined` for what is not an image reference. */
export function withDefaultTag(image: string): string | undefined {
  const name = parseImageName(image);
  if (name === undefined) return undefined;
  return name.tag === undefined && name.digest === undefined ? `${image}:latest` : image;
}
