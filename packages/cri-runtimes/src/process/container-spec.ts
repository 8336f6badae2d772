/** All that is decided about one container before its first process runs; kept on disk for exec and restarts. */
export interface ContainerSpec {
  readonly argv: readonly string[];
  /** `NAME=value` each. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly privileged: boolean;
  readonly noNewPrivileges: boolean;
  /** For setpriv(1). */
  readonly boundingSet: string;
  readonly readonlyRootfs: boolean;
  readonly root: RootSpec;
  readonly mounts: readonly BindMount[];
  readonly devices: readonly { readonly hostPath: string; readonly containerPath: string }[];
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly pid: 'own' | 'pod' | 'host';
  readonly tty: boolean;
  readonly stdin: boolean;
}

/** Where `/` comes from: an unpacked image, or the machine's own files. */
export type RootSpec =
  | { readonly kind: 'image'; readonly lower: string }
  | { readonly kind: 'host'; readonly entries: readonly HostEntry[] };

/** One name in the machine's own `/`. */
export interface HostEntry {
  readonly name: string;
  /** `copy-on-write` lays a writable layer over it; `read-only` binds it, with what is mounted below. */
  readonly as: 'copy-on-write' | 'read-only' | 'file' | { readonly link: string };
}

export interface BindMount {
  readonly source: string;
  readonly target: string;
  readonly kind: 'file' | 'directory';
  readonly readonly: boolean;
  readonly propagation: 'private' | 'slave';
}
