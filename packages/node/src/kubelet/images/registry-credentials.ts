import type { Secret } from '@keelson/core/api';
import type { AuthConfig } from '@keelson/core/cri';
import { z } from 'zod';
import { parseImageName } from './image-name.ts';

const entry = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});
const dockerConfigJson = z.object({ auths: z.record(z.string(), entry).default({}) });
const dockerConfig = z.record(z.string(), entry);

/**
 * Credentials for an image out of image pull secrets, best match first (kubernetes.io/docs/concepts/containers/images
 * #config-json: hosts may hold `*` in a part, and a path narrows them). Secrets that cannot be read count as empty.
 */
export function credentialsFor(image: string, secrets: readonly Secret[]): readonly AuthConfig[] {
  const name = parseImageName(image);
  if (name === undefined) return [];
  const matches = secrets
    .flatMap((secret) => Object.entries(registries(secret)))
    .filter(([pattern]) => matchesRegistry(pattern, name.registry, name.repository))
    .sort(([a], [b]) => b.length - a.length);
  return matches.map(([server, each]) => toAuth(server, each));
}

function registries(secret: Secret): Readonly<Record<string, z.infer<typeof entry>>> {
  const modern = decode(secret.data?.['.dockerconfigjson']);
  const parsed = dockerConfigJson.safeParse(modern);
  if (parsed.success) return parsed.data.auths;
  const legacy = dockerConfig.safeParse(decode(secret.data?.['.dockercfg']));
  return legacy.success ? legacy.data : {};
}

function decode(base64: string | undefined): unknown {
  if (base64 === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}

function matchesRegistry(pattern: string, registry: string, repository: string): boolean {
  const bare = pattern.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');
  const slash = bare.indexOf('/');
  const host = slash < 0 ? bare : bare.slice(0, slash);
  const path = slash < 0 ? '' : bare.slice(slash + 1);
  const canonical = host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
  const wanted = canonical.split('.');
  const given = registry.split('.');
  if (wanted.length !== given.length) return false;
  const fits = wanted.every((part, index) => globMatches(part, given[index] ?? ''));
  return fits && (path === '' || repository === path || repository.startsWith(`${path}/`));
}

function globMatches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((each) => each.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^.]*')}$`).test(text);
}

function toAuth(serverAddress: string, each: z.infer<typeof entry>): AuthConfig {
  const plain = each.auth === undefined ? '' : Buffer.from(each.auth, 'base64').toString('utf8');
  const colon = plain.indexOf(':');
  return {
    username: each.username ?? (colon < 0 ? '' : plain.slice(0, colon)),
    password: each.password ?? (colon < 0 ? '' : plain.slice(colon + 1)),
    serverAddress,
    ...(each.identitytoken && { identityToken: each.identitytoken }),
    ...(each.registrytoken && { registryToken: each.registrytoken }),
  };
}
