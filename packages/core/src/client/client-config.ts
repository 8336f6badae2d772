/** How to reach an API server and as whom: what a kubeconfig's current context comes down to. */
export interface ClientConfig {
  /** For example `https://10.0.0.1:6443`; a path is kept as a prefix. */
  readonly server: string;
  /** The context's namespace, for those who want to respect it; the client itself does not use it. */
  readonly namespace?: string;
  /** PEM. Without it, the certificate authorities of the machine count. */
  readonly ca?: string;
  readonly insecureSkipTlsVerify?: boolean;
  /** The name that the server's certificate is checked against, instead of the one in `server`. */
  readonly tlsServerName?: string;
  /** PEM client certificate and key. */
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
  /** Read anew every minute, and counts before `token`. */
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  /** A program that prints credentials (kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins). */
  readonly exec?: ExecConfig;
  readonly impersonate?: {
    readonly user: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
  readonly userAgent?: string;
}

/** A program that gives credentials, as a kubeconfig names it (`client.authentication.k8s.io`). */
export interface ExecConfig {
  readonly apiVersion: string;
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly provideClusterInfo?: boolean;
  readonly installHint?: string;
  /** Where a relative command and the program itself start from. */
  readonly directory?: string;
}
