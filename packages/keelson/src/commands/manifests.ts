import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  type CertificateAuthority,
  dockerfile,
  type Files,
  helmFiles,
  kustomizeFiles,
  loadOperators,
  operatorManifests,
  plainYaml,
} from '../manifests/index.ts';
import { UserError } from '../user-error.ts';

export interface ManifestsFlags {
  readonly namespace?: string;
  readonly image?: string;
  readonly replicas?: number;
  readonly shards?: number;
  readonly ca?: CertificateAuthority;
  readonly kustomize?: string;
  readonly helm?: string;
  readonly dockerfile?: string;
  readonly force?: boolean;
}

/** `keelson manifests operator.ts`: all that it takes to run an operator in a cluster, on standard output or as files. */
export async function manifests(file: string, flags: ManifestsFlags): Promise<void> {
  const operators = await loadOperators(file);
  const name = operators[0]?.name ?? 'operator';
  const { namespace, image, replicas, shards, ca, kustomize, helm, force = false } = flags;
  const made = operatorManifests(operators, {
    ...(namespace !== undefined && { namespace }),
    ...(image !== undefined && { image }),
    ...(replicas !== undefined && { replicas }),
    ...(shards !== undefined && { shards }),
    ...(ca !== undefined && { ca }),
  });
  const written: string[] = [];
  if (kustomize !== undefined) written.push(...write(kustomize, kustomizeFiles(made, name), force));
  if (helm !== undefined) written.push(...write(helm, helmFiles(made, name, '0.1.0'), force));
  if (flags.dockerfile !== undefined) {
    const files = new Map([[basename(flags.dockerfile), dockerfile(basename(file))]]);
    written.push(...write(dirname(flags.dockerfile), files, force));
  }
  if (written.length === 0) process.stdout.write(plainYaml(made));
  else process.stderr.write(`${written.map((each) => `wrote ${each}`).join('\n')}\n`);
}

/** All or nothing: a file that is there is not replaced unasked. */
function write(directory: string, files: Files, force: boolean): readonly string[] {
  const paths = [...files.keys()].map((each) => join(directory, each));
  const taken = paths.filter((each) => existsSync(each));
  if (taken.length > 0 && !force) {
    throw new UserError(
      `${taken.join(', ')} ${taken.length === 1 ? 'exists' : 'exist'} already: give --force to replace what is there`,
    );
  }
  for (const [path, text] of files) {
    const full = join(directory, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
  }
  return paths;
}
