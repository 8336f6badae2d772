import { execFile } from 'node:child_process';
import { isAbsolute, resolve } from 'node:path';
import type { ClientConfig, ExecConfig } from './client-config.ts';

export interface ExecCredential {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Milliseconds since the epoch; absent: for ever. */
  readonly expiresAt?: number;
}

const largestOutput = 1024 * 1024;

/**
 * Runs a credential plugin and reads what it prints (API group client.authentication.k8s.io).
 * @throws Error that names the command, with the plugin's own words or its install hint
 */
export async function runExecPlugin(config: ClientConfig, signal?: AbortSignal): Promise<ExecCredential> {
  const { exec } = config;
  if (!exec) throw new TypeError('the config names no credential plugin');
  const printed = await run(exec, JSON.stringify(execInfo(config, exec)), signal);
  return parseExecCredential(printed, exec);
}

function execInfo(config: ClientConfig, exec: ExecConfig): object {
  return {
    apiVersion: exec.apiVersion,
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(exec.provideClusterInfo && {
        cluster: {
          server: config.server,
          ...(config.tlsServerName && { 'tls-server-name': config.tlsServerName }),
          ...(config.insecureSkipTlsVerify && { 'insecure-skip-tls-verify': true }),
          ...(config.ca && { 'certificate-authority-data': Buffer.from(config.ca).toString('base64') }),
        },
      }),
    },
  };
}

function run(exec: ExecConfig, info: string, signal: AbortSignal | undefined): Promise<string> {
  const { command, args = [], env = [], directory } = exec;
  // A bare name is looked up in the path; a relative path counts from the kubeconfig's directory.
  const file = directory && command.includes('/') && !isAbsolute(command) ? resolve(directory, command) : command;
  const extra = Object.fromEntries(env.map((each) => [each.name, each.value]));
  return new Promise((done, fail) => {
    execFile(
      file,
      args,
      {
        env: { ...process.env, ...extra, KUBERNETES_EXEC_INFO: info },
        maxBuffer: largestOutput,
        ...(signal && { signal }),
      },
      (error, stdout, stderr) => {
        if (!error) return done(stdout);
        if (signal?.aborted) return fail(signal.reason);
        const missing = 'code' in error && error.code === 'ENOENT';
        const why = missing
          ? ['not found', exec.installHint].filter(Boolean).join('. ')
          : stderr.trim() || error.message;
        fail(new Error(`credential plugin ${command}: ${why}`, { cause: error }));
      },
    );
  });
}

function parseExecCredential(text: string, { command, apiVersion }: ExecConfig): ExecCredential {
  const wrong = (why: string, cause?: unknown) => new Error(`credential plugin ${command}: ${why}`, { cause });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw wrong('it did not print JSON', error);
  }
  const credential = record(parsed);
  if (credential['kind'] !== 'ExecCredential' || credential['apiVersion'] !== apiVersion) {
    throw wrong(`it did not print an ExecCredential of ${apiVersion}`);
  }
  const status = record(credential['status']);
  const token = textOf(status['token']);
  const cert = textOf(status['clientCertificateData']);
  const key = textOf(status['clientKeyData']);
  if (!token && !cert) throw wrong('it printed neither a token nor a client certificate');
  if (Boolean(cert) !== Boolean(key)) throw wrong('it printed a client certificate or its key without the other');
  const expires = textOf(status['expirationTimestamp']);
  const expiresAt = expires === undefined ? undefined : Date.parse(expires);
  if (expiresAt !== undefined && Number.isNaN(expiresAt)) throw wrong(`expirationTimestamp "${expires}" is no time`);
  return {
    ...(token && { token }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
