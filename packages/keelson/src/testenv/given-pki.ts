import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { openPki, type Pki } from '@keelson/apiserver';
import type { Clock } from '@keelson/core';
import type { ApiServerFlags } from './kube-apiserver-flags.ts';

type Files = Pick<
  ApiServerFlags,
  | 'bindAddress'
  | 'certificateFile'
  | 'privateKeyFile'
  | 'clientCaFile'
  | 'serviceAccountSigningKeyFile'
  | 'serviceAccountKeyFiles'
>;

/** Certificates and keys from the files that a flag names; those that none names are made, and live in memory. */
export async function openGivenPki(files: Files, clock: Clock): Promise<Pki> {
  const own = await openPki(undefined, { clock, hosts: [files.bindAddress] });
  const [certificate, privateKey] = await Promise.all([
    ifPresent(files.certificateFile),
    ifPresent(files.privateKeyFile),
  ]);
  const signing = files.serviceAccountSigningKeyFile;
  const keys = signing === undefined ? own.serviceAccountKey : await keyRing(signing, files.serviceAccountKeyFiles);
  return {
    ca: files.clientCaFile === undefined ? own.ca : await readFile(files.clientCaFile, 'utf8'),
    server: certificate !== undefined && privateKey !== undefined ? { certificate, key: privateKey } : own.server,
    admin: own.admin,
    kubeletClient: own.kubeletClient,
    frontProxy: own.frontProxy,
    serviceAccountKey: keys,
    // What is given is somebody else's to renew, and a test is over long before the rest has to be.
    renew: async () => false,
    reloadServiceAccountKey: async () => undefined,
    issueClient: (subject) => own.issueClient(subject),
    issueServing: (subject, hosts) => own.issueServing(subject, hosts),
    sign: (request) => own.sign(request),
  };
}

/** kube-apiserver makes a certificate where its directory has none. */
async function ifPresent(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function keyRing(signingFile: string, files: readonly string[]): Promise<Pki['serviceAccountKey']> {
  const privateKey = createPrivateKey(await readFile(signingFile));
  const publicKey = createPublicKey(privateKey);
  const others = await Promise.all(files.map(async (each) => createPublicKey(await readFile(each))));
  return { privateKey, publicKey, retired: others.filter((each) => !each.equals(publicKey)) };
}
