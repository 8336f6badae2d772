import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { ClientConfig } from './client-config.ts';
import type { Kubeconfig, KubeconfigCluster, KubeconfigContext, KubeconfigUser } from './kubeconfig-file.ts';

/** Which of the clusters in a kubeconfig is meant. */
export interface LoadKubeconfigOptions {
  /** Instead of the file's `current-context`. */
  readonly context?: string;
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where `.kube/config` is looked for; default the user's home. */
  readonly home?: string;
  /** Where a pod finds its service account. */
  readonly serviceAccountDir?: string;
}

/** An entry, and the directory that relative paths in it count from. */
interface Placed<T> {
  readonly value: T;
  readonly directory: string;
}

interface Merged {
  readonly files: readonly string[];
  readonly clusters: ReadonlyMap<string, Placed<KubeconfigCluster>>;
  readonly users: ReadonlyMap<string, Placed<KubeconfigUser>>;
  readonly contexts: ReadonlyMap<string, Placed<KubeconfigContext>>;
  readonly current: string | undefined;
}

/**
 * Finds out, as kubectl does, how to reach the cluster: `path` if given, else the files of `KUBECONFIG` merged (the
 * first to say something counts), else `~/.kube/config`, else the service account of the pod that this runs in.
 * @throws Error that names the file and the path in it, or says that there is no configuration at all
 */
export async function loadKubeconfig(path?: string, options: LoadKubeconfigOptions = {}): Promise<ClientConfig> {
  const { env = process.env, home = homedir() } = options;
  const listed = path ? [path] : (env['KUBECONFIG'] ?? '').split(delimiter).filter((each) => each !== '');
  const files = listed.length > 0 ? listed : [join(home, '.kube', 'config')];
  const merged = await merge(files, path !== undefined);
  if (merged.files.length === 0) {
    const pod = listed.length === 0 ? await inCluster(env, options.serviceAccountDir) : undefined;
    if (pod) return pod;
    throw new Error(
      `no kubeconfig: ${files.join(', ')} ${files.length === 1 ? 'does' : 'do'} not exist, and this is no pod`,
    );
  }
  return toConfig(merged, options.context);
}

async function merge(files: readonly string[], required: boolean): Promise<Merged> {
  const { parseKubeconfig } = await import('./kubeconfig-file.ts');
  const found: string[] = [];
  const clusters = new Map<string, Placed<KubeconfigCluster>>();
  const users = new Map<string, Placed<KubeconfigUser>>();
  const contexts = new Map<string, Placed<KubeconfigContext>>();
  let current: string | undefined;
  for (const file of files) {
    const content = await readIfThere(file, required);
    if (content === undefined) continue;
    const parsed: Kubeconfig = parseKubeconfig(content, file);
    const directory = dirname(resolve(file));
    found.push(file);
    const put = <T>(into: Map<string, Placed<T>>, name: string, value: T) => {
      if (!into.has(name)) into.set(name, { value, directory });
    };
    for (const each of parsed.clusters ?? []) put(clusters, each.name, each.cluster);
    for (const each of parsed.users ?? []) put(users, each.name, each.user ?? {});
    for (const each of parsed.contexts ?? []) put(contexts, each.name, each.context);
    current ||= parsed['current-context'] ?? undefined;
  }
  return { files: found, clusters, users, contexts, current };
}

async function toConfig(
  { files, clusters, users, contexts, current }: Merged,
  wanted: string | undefined,
): Promise<ClientConfig> {
  const where = files.join(', ');
  const name = wanted ?? current;
  if (!name) throw new Error(`${where}: current-context is not set; contexts are ${names(contexts)}`);
  const context = contexts.get(name)?.value;
  if (!context) throw new Error(`${where}: there is no context "${name}"; contexts are ${names(contexts)}`);
  const cluster = clusters.get(context.cluster);
  if (!cluster) {
    throw new Error(
      `${where}: context "${name}" names the cluster "${context.cluster}"; clusters are ${names(clusters)}`,
    );
  }
  const user = context.user ? users.get(context.user) : undefined;
  if (context.user && !user)
    throw new Error(`${where}: context "${name}" names the user "${context.user}"; users are ${names(users)}`);
  return {
    ...(await clusterConfig(cluster, context.cluster, where)),
    ...(user && (await userConfig(user, context.user ?? '', where))),
    ...(context.namespace && { namespace: context.namespace }),
  };
}

async function clusterConfig(
  { value, directory }: Placed<KubeconfigCluster>,
  name: string,
  where: string,
): Promise<ClientConfig> {
  if (value['proxy-url']) throw new Error(`${where}: cluster "${name}": proxy-url is not supported`);
  if (!URL.canParse(value.server) || !/^https?:/.test(value.server)) {
    throw new Error(`${where}: cluster "${name}": server "${value.server}" is no http(s) address`);
  }
  const ca = await pem(value, 'certificate-authority', directory, `${where}: cluster "${name}"`);
  return {
    server: value.server,
    ...(ca && { ca }),
    ...(value['insecure-skip-tls-verify'] && { insecureSkipTlsVerify: true }),
    ...(value['tls-server-name'] && { tlsServerName: value['tls-server-name'] }),
  };
}

async function userConfig(
  { value, directory }: Placed<KubeconfigUser>,
  name: string,
  where: string,
): Promise<Partial<ClientConfig>> {
  if (value['auth-provider']) {
    throw new Error(
      `${where}: user "${name}": auth-provider was removed from Kubernetes; use a credential plugin (exec)`,
    );
  }
  const cert = await pem(value, 'client-certificate', directory, `${where}: user "${name}"`);
  const key = await pem(value, 'client-key', directory, `${where}: user "${name}"`);
  const { token, tokenFile, username, password, exec, as: impersonated } = value;
  return {
    ...(cert && { cert }),
    ...(key && { key }),
    ...(token && { token }),
    ...(tokenFile && { tokenFile: resolve(directory, tokenFile) }),
    ...(username && { username }),
    ...(password && { password }),
    ...(exec && {
      exec: {
        apiVersion: exec.apiVersion,
        command: exec.command,
        args: exec.args ?? [],
        env: exec.env ?? [],
        directory,
        ...(exec.installHint && { installHint: exec.installHint }),
        ...(exec.provideClusterInfo && { provideClusterInfo: true }),
      },
    }),
    ...(impersonated && {
      impersonate: {
        user: impersonated,
        groups: value['as-groups'] ?? [],
        extra: value['as-user-extra'] ?? {},
        ...(value['as-uid'] && { uid: value['as-uid'] }),
      },
    }),
  };
}

/** What stands in the file as base64 counts before the file that it names. */
async function pem<K extends string>(
  from: { readonly [key in K | `${K}-data`]?: string | null | undefined },
  key: K,
  directory: string,
  where: string,
): Promise<string | undefined> {
  const data = from[`${key}-data`];
  if (data) return requirePem(Buffer.from(data, 'base64').toString('utf8'), `${where}: ${key}-data`);
  const file = from[key];
  if (!file) return undefined;
  try {
    return requirePem(await readFile(resolve(directory, file), 'utf8'), `${where}: ${key} ${file}`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new Error(`${where}: ${key}: ${error.message}`, { cause: error });
  }
}

/** Node would pass over an authority that is none, and then trust nobody. */
function requirePem(text: string, where: string): string {
  if (text.includes('-----BEGIN ')) return text;
  throw new Error(`${where} is not in PEM ("-----BEGIN …")`);
}

async function inCluster(
  env: Readonly<Record<string, string | undefined>>,
  directory = '/var/run/secrets/kubernetes.io/serviceaccount',
): Promise<ClientConfig | undefined> {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  const tokenFile = join(directory, 'token');
  if (!host || !port || (await readIfThere(tokenFile, false)) === undefined) return undefined;
  const ca = await readIfThere(join(directory, 'ca.crt'), false);
  const namespace = await readIfThere(join(directory, 'namespace'), false);
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    tokenFile,
    ...(ca && { ca }),
    ...(namespace && { namespace: namespace.trim() }),
  };
}

async function readIfThere(file: string, required: boolean): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
    if (missing && !required) return undefined;
    if (missing) throw new Error(`there is no file ${file}`, { cause: error });
    throw error;
  }
}

function names(map: ReadonlyMap<string, unknown>): string {
  return map.size === 0 ? '(none)' : [...map.keys()].map((each) => `"${each}"`).join(', ');
}
