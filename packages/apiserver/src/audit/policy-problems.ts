import { isLevel, isStage, levels, type PolicyConfig, type RuleConfig, stages } from './policy.ts';

const invalid = (path: string, value: unknown, why: string) =>
  `${path}: Invalid value: ${JSON.stringify(value)}: ${why}`;

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** What is wrong with an audit policy, in Kubernetes' words and order. */
export function policyProblems({ rules, omitStages }: PolicyConfig): readonly string[] {
  return [
    ...stageProblems(omitStages, 'omitStages'),
    ...rules.flatMap((rule, index) => ruleProblems(rule, `rules[${index}]`)),
  ];
}

function ruleProblems(rule: RuleConfig, path: string): readonly string[] {
  const both = rule.nonResourceURLs.length > 0 && (rule.resources.length > 0 || rule.namespaces.length > 0);
  return [
    ...levelProblems(rule.level, `${path}.level`),
    ...rule.nonResourceURLs.flatMap((url, index) => urlProblems(url, `${path}.nonResourceURLs[${index}]`)),
    ...rule.resources.flatMap((each) => resourceProblems(each, `${path}.resources`)),
    ...stageProblems(rule.omitStages, `${path}.omitStages`),
    ...(both
      ? [
          invalid(
            `${path}.nonResourceURLs`,
            rule.nonResourceURLs,
            'rules cannot apply to both regular resources and non-resource URLs',
          ),
        ]
      : []),
  ];
}

function levelProblems(level: string, path: string): readonly string[] {
  if (level === '') return [`${path}: Required value`];
  if (isLevel(level)) return [];
  const supported = levels.map((each) => JSON.stringify(each)).join(', ');
  return [`${path}: Unsupported value: ${JSON.stringify(level)}: supported values: ${supported}`];
}

function urlProblems(url: string, path: string): readonly string[] {
  if (url === '*') return [];
  const problems: string[] = [];
  if (!url.startsWith('/')) problems.push(invalid(path, url, "non-resource URL rules must begin with a '/' character"));
  if (url.slice(0, -1).includes('*')) {
    problems.push(invalid(path, url, "non-resource URL wildcards '*' must be the final character of the rule"));
  }
  return problems;
}

function resourceProblems(
  { group, resources, resourceNames }: RuleConfig['resources'][number],
  path: string,
): readonly string[] {
  const problems: string[] = [];
  if (group !== '' && (group.length > 253 || !subdomain.test(group))) {
    problems.push(invalid(`${path}.group`, group, subdomainRule));
  }
  if (resourceNames.length > 0 && resources.length === 0) {
    problems.push(
      invalid(`${path}.resourceNames`, resourceNames, 'using resourceNames requires at least one resource'),
    );
  }
  return problems;
}

const stageProblems = (given: readonly string[], path: string): readonly string[] =>
  given.flatMap((stage, index) =>
    isStage(stage) ? [] : [invalid(`${path}[${index}]`, stage, `allowed stages are ${stages.join(',')}`)],
  );
