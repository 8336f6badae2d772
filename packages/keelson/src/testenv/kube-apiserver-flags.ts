import { join } from 'node:path';
import { GoFlags } from './go-flags.ts';

/** What the flags of kube-apiserver that envtest and its users give come to. */
export interface ApiServerFlags {
  readonly bindAddress: string;
  readonly port: number;
  readonly etcdServers: readonly string[];
  readonly etcdTls: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  /** Holds `apiserver.crt` and `apiserver.key`, unless the next two name others. */
  readonly certificateFile: string | undefined;
  readonly privateKeyFile: string | undefined;
  readonly clientCaFile: string | undefined;
  readonly serviceAccountSigningKeyFile: string | undefined;
  readonly serviceAccountKeyFiles: readonly string[];
  /** Options of Keelson's API server. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Flags that have no effect here. */
  readonly ignored: readonly string[];
}

/** With one line each, as `--help` tells them. */
export const apiServerFlags: Readonly<Record<string, string>> = {
  'advertise-address': 'the address that the Service kubernetes leads to',
  'allow-privileged': 'taken, and always true',
  'anonymous-auth': 'whether requests without credentials come as system:anonymous (default true)',
  'api-audiences': 'under which audiences tokens are taken',
  'audit-log-path': 'where lines of JSON about requests go',
  'audit-policy-file': 'which requests are taken down',
  'authentication-config': 'a file of the kind AuthenticationConfiguration',
  'authorization-config': 'a file of the kind AuthorizationConfiguration',
  'authorization-mode': 'Node and RBAC, in any order',
  'bind-address': 'the address to listen on (default 0.0.0.0)',
  'cert-dir': 'where apiserver.crt and apiserver.key are',
  'client-ca-file': 'whose client certificates name users',
  'disable-admission-plugins': 'built-in admission plugins to leave out',
  'enable-admission-plugins': 'built-in admission plugins to use besides the usual ones',
  'encryption-provider-config': 'a file of the kind EncryptionConfiguration',
  'etcd-cafile': 'who signed the certificates of etcd',
  'etcd-certfile': 'the certificate for etcd',
  'etcd-keyfile': 'and its key',
  'etcd-servers': 'the etcd beside this program, or a real one',
  'event-ttl': 'how long Events are kept',
  'runtime-config': 'API versions and resources to switch on or off',
  'secure-port': 'the port (default 6443)',
  'service-account-issuer': 'who issues tokens of ServiceAccounts',
  'service-account-key-file': 'keys or certificates by which such tokens are checked',
  'service-account-signing-key-file': 'the key that signs them',
  'service-cluster-ip-range': 'the range of cluster IPs',
  'tls-cert-file': 'the certificate to show',
  'tls-private-key-file': 'and its key',
  'token-auth-file': 'a file of static tokens',
};

export const apiServerHelp = `Keelson's API server, with flags of kube-apiserver. Others are taken, without effect.

${Object.entries(apiServerFlags)
  .map(([name, what]) => `      --${name}\n                ${what}\n`)
  .join('')}`;

const switches = new Set(['allow-privileged', 'anonymous-auth', 'help', 'version']);
const modes: Readonly<Record<string, string>> = { Node: 'node', RBAC: 'rbac' };

/** @throws Error for what cannot be done and would change the outcome of a test */
export function parseApiServerFlags(args: readonly string[]): ApiServerFlags {
  const flags = new GoFlags(args, switches);
  const certDir = flags.value('cert-dir');
  const ranges = flags.list('service-cluster-ip-range');
  const issuers = flags.list('service-account-issuer');
  const audiences = flags.list('api-audiences');
  const tokenFile = flags.value('token-auth-file');
  const advertiseAddress = flags.value('advertise-address');
  const authenticationFile = flags.value('authentication-config');
  const encryption = flags.value('encryption-provider-config');
  const eventTtl = flags.value('event-ttl');
  const [caFile, certFile, keyFile] = ['etcd-cafile', 'etcd-certfile', 'etcd-keyfile'].map((each) => flags.value(each));
  return {
    bindAddress: flags.value('bind-address') ?? '0.0.0.0',
    port: portOf(flags.value('secure-port') ?? '6443'),
    etcdServers: flags.list('etcd-servers'),
    etcdTls: { ...(caFile && { caFile }), ...(certFile && { certFile }), ...(keyFile && { keyFile }) },
    certificateFile: flags.value('tls-cert-file') ?? (certDir && join(certDir, 'apiserver.crt')),
    privateKeyFile: flags.value('tls-private-key-file') ?? (certDir && join(certDir, 'apiserver.key')),
    clientCaFile: flags.value('client-ca-file'),
    serviceAccountSigningKeyFile: flags.value('service-account-signing-key-file'),
    serviceAccountKeyFiles: flags.list('service-account-key-file'),
    options: {
      ...(ranges.length > 0 && { serviceCidr: ranges[0] }),
      ...(advertiseAddress && { advertiseAddress }),
      ...(tokenFile && { tokenFile }),
      ...(encryption && { encryption }),
      ...(eventTtl && { eventTtl }),
      ...authorizationOf(flags),
      ...auditOf(flags),
      runtimeConfig: runtimeConfigOf(flags.list('runtime-config')),
      disableAdmissionPlugins: flags.list('disable-admission-plugins'),
      enableAdmissionPlugins: flags.list('enable-admission-plugins'),
      authentication: {
        anonymous: { enabled: flags.flag('anonymous-auth', true) },
        ...(authenticationFile && { configurationFile: authenticationFile }),
        ...(issuers.length > 0 && { serviceAccountIssuers: issuers }),
        ...(audiences.length > 0 && { audiences }),
      },
    },
    ignored: flags.names.filter((each) => !(each in apiServerFlags)),
  };
}

function authorizationOf(flags: GoFlags): { readonly authorization?: unknown } {
  const file = flags.value('authorization-config');
  if (file) return { authorization: file };
  const asked = flags.list('authorization-mode');
  if (asked.length === 0) return {};
  const unknown = asked.filter((each) => !(each in modes));
  if (unknown.length > 0) {
    throw new Error(
      `--authorization-mode ${unknown.join(',')}: this server decides by ${Object.keys(modes).join(' and ')}`,
    );
  }
  return { authorization: { authorizers: asked.map((type) => ({ type, name: modes[type] })) } };
}

function auditOf(flags: GoFlags): { readonly audit?: unknown } {
  const [policy, path] = [flags.value('audit-policy-file'), flags.value('audit-log-path')];
  return policy && path ? { audit: { policy, log: { path } } } : {};
}

function runtimeConfigOf(pairs: readonly string[]): Readonly<Record<string, boolean>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', value = 'true'] = pair.split('=');
      if (value !== 'true' && value !== 'false') throw new Error(`invalid value ${name}=${value}`);
      return [name, value === 'true'];
    }),
  );
}

function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new Error(`--secure-port ${text} must be between 1 and 65535`);
  return port;
}
