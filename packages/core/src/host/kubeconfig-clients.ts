import {
  type Client,
  type ClientConfig,
  type Clients,
  createClient,
  type HttpTransport,
  type HttpTransportOptions,
  httpTransport,
  type IssueToken,
} from '../client/index.ts';
import { type ObjectRef, systemClock } from '../machinery/index.ts';

export interface KubeconfigClientsOptions {
  /**
   * What programs call themselves, by whom they speak as: the first part of the user agent, by which managed fields
   * are known. Where the config names a user agent, that counts.
   */
  readonly program: (user: string) => string;
  /**
   * Whether who asks to be a ServiceAccount is that one, by a token of its own; default: everybody is the config's user.
   * The config's user needs the right to create ServiceAccounts and their tokens.
   */
  readonly serviceAccounts?: boolean;
  readonly transport?: HttpTransportOptions;
}

/** What a kubeconfig opens: clients for everybody, over one connection for each identity. */
export class KubeconfigClients implements Clients {
  readonly #config: ClientConfig;
  readonly #options: KubeconfigClientsOptions;
  readonly #clients = new Map<string, Client>();
  readonly #transports: HttpTransport[] = [];

  constructor(config: ClientConfig, options: KubeconfigClientsOptions) {
    this.#config = config;
    this.#options = options;
  }

  /** The context's namespace, or the pod's own. */
  get namespace(): string | undefined {
    return this.#config.namespace;
  }

  as({ name }: { readonly name: string }): Client {
    const { program, serviceAccounts = false } = this.#options;
    const account = serviceAccounts ? serviceAccountOf(name) : undefined;
    const userAgent = this.#config.userAgent ?? program(name);
    const key = account ? name : `program ${userAgent}`;
    let client = this.#clients.get(key);
    if (!client) {
      client = account ? this.#asAccount(account, userAgent) : this.#open({ ...this.#config, userAgent });
      this.#clients.set(key, client);
    }
    return client;
  }

  close(): void {
    for (const each of this.#transports.splice(0)) each.close();
  }

  #asAccount(account: ObjectRef, userAgent: string): Client {
    const { server, ca, insecureSkipTlsVerify, tlsServerName } = this.#config;
    const config = {
      server,
      userAgent,
      ...(ca !== undefined && { ca }),
      ...(insecureSkipTlsVerify !== undefined && { insecureSkipTlsVerify }),
      ...(tlsServerName !== undefined && { tlsServerName }),
    };
    const { clock = systemClock } = this.#options.transport ?? {};
    const client = this.as({ name: '' });
    let issue: IssueToken | undefined;
    return this.#open(config, {
      issueToken: async (signal) => {
        // Loaded only where it is used.
        issue ??= (await import('./service-account-token.ts')).serviceAccountToken({ client, clock, account });
        return issue(signal);
      },
    });
  }

  #open(config: ClientConfig, options: HttpTransportOptions = {}): Client {
    const transport = httpTransport(config, { ...this.#options.transport, ...options });
    this.#transports.push(transport);
    return createClient(transport);
  }
}

const prefix = 'system:serviceaccount:';

/** The ServiceAccount behind a user's name, if it is one's. */
export function serviceAccountOf(user: string): ObjectRef | undefined {
  if (!user.startsWith(prefix)) return undefined;
  const [namespace, name, ...more] = user.slice(prefix.length).split(':');
  return namespace && name && more.length === 0 ? { namespace, name } : undefined;
}
