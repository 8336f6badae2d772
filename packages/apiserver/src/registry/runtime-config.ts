import { resourceTable, type TableResource } from '../schema/index.ts';

/**
 * Which API versions are served, in the words of kube-apiserver's `--runtime-config`: `api/all`, `api/ga`, `api/beta`,
 * `api/alpha`, a version (`v1`, `storage.k8s.io/v1beta1`) or a resource of one
 * (`resource.k8s.io/v1beta2/deviceclasses`), each on or off. The narrower word wins.
 */
export type RuntimeConfig = Readonly<Record<string, boolean>>;

export type Serves = (resource: Pick<TableResource, 'group' | 'version' | 'resource'>) => boolean;

const stages: readonly (readonly [string, RegExp])[] = [
  ['api/all', /./],
  ['api/ga', /^v\d+$/],
  ['api/beta', /^v\d+beta\d+$/],
  ['api/alpha', /^v\d+alpha\d+$/],
];
const stable = /^v\d+$/;

const versionOf = (group: string, version: string) => (group === '' ? version : `${group}/${version}`);

/** By default the stable versions. Throws on a word that names nothing that this server has. */
export function servedVersions(config: RuntimeConfig): Serves {
  const problems = runtimeConfigProblems(config);
  if (problems.length > 0) throw new Error(problems.join('; '));
  const own = (word: string) => config[word] ?? config[`api/${word}`];
  return ({ group, version, resource }) => {
    const groupVersion = versionOf(group, version);
    let served = stable.test(version);
    for (const [word, pattern] of stages) if (pattern.test(version)) served = config[word] ?? served;
    served = own(groupVersion) ?? served;
    return own(`${groupVersion}/${resource}`) ?? served;
  };
}

/** Words of a configuration that name no version and no resource of Kubernetes v1.35. */
export function runtimeConfigProblems(config: RuntimeConfig): string[] {
  const known = new Set(stages.map(([word]) => word));
  for (const { group, version, resource } of resourceTable().resources) {
    const groupVersion = versionOf(group, version);
    for (const each of [groupVersion, `${groupVersion}/${resource}`]) known.add(each).add(`api/${each}`);
  }
  return Object.keys(config)
    .filter((word) => !known.has(word))
    .map((word) => `unknown api groups or versions: ${word}`);
}
