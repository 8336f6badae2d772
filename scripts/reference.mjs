// `npm run docs`, and part of `npm run generate`: docs/reference/, one page for each public entry of the packages, made
// of the docstrings in their sources; or into another folder, which is named.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, LogLevel } from 'typedoc';
import { MarkdownPageEvent, MarkdownTheme, MarkdownThemeContext } from 'typedoc-plugin-markdown';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const packages = [
  'core',
  'apiserver',
  'controllers',
  'keelson',
  'node',
  'cri-runtimes',
  'cni-plugins',
  'csi-plugins',
  'create-keelson',
];

/** What each entry is for, in the order in which they are listed. */
const about = {
  '@keelson/core': 'The SDK: what an operator imports. Its names are told with the room that they are of.',
  '@keelson/core/crd': 'Custom resources, operators, their children, external resources and webhooks.',
  '@keelson/core/controller': 'Reconcilers, watches, predicates, finalizers, events, leader election, traces.',
  '@keelson/core/client': 'The typed client, kubeconfigs, connections.',
  '@keelson/core/informer': 'Caches that follow the server, queries, indexes.',
  '@keelson/core/workqueue': 'The queue of keys to reconcile.',
  '@keelson/core/machinery': 'Keys, labels, selectors, conditions, quantities, patches, errors, the clock.',
  '@keelson/core/api': "Kubernetes' kinds, and what types of them are made of.",
  '@keelson/core/zod': 'Schemas for fields that Kubernetes knows.',
  '@keelson/core/plugin': 'What a plugin is made of: tokens, lifecycles, health checks.',
  '@keelson/core/host': 'Puts plugins together and runs them; the plugins that every operator runs on.',
  '@keelson/core/testing': 'Virtual time and conditions for tests.',
  '@keelson/core/testing/generators': 'Objects made up from schemas, for fast-check.',
  '@keelson/core/admission': 'What webhooks say, the server that asks them, quotas.',
  '@keelson/core/metrics': 'Metrics of your own beside those of the SDK.',
  '@keelson/core/recording': 'Recordings of what an operator saw and did.',
  '@keelson/core/certificates': 'Certificates, and when they are to be renewed.',
  '@keelson/core/scheduling': 'The contract of scheduler plugins.',
  '@keelson/core/cri': 'The contract of container runtimes.',
  '@keelson/core/cri/conformance': 'The suite that every runtime passes.',
  '@keelson/core/cni': 'The contract of pod networks.',
  '@keelson/core/csi': 'The contract of storage drivers.',
  '@keelson/core/streaming': 'Streams of exec, attach and port-forward.',
  '@keelson/apiserver/testing': 'Clusters for tests, and simulation.',
  'keelson/testing': 'The same for who has installed `keelson`.',
  keelson: 'A whole cluster, in a program.',
  '@keelson/controllers': "Kubernetes' controllers and its scheduler, each a plugin.",
  '@keelson/apiserver': 'The API server, part by part.',
  '@keelson/node': 'Kubelet and service proxy.',
  '@keelson/cri-runtimes': 'Container runtimes.',
  '@keelson/cni-plugins': 'Pod networks.',
  '@keelson/csi-plugins': 'Storage drivers.',
  'create-keelson': 'What `npm create keelson` does.',
};

/** Public entries: `{ name: '@keelson/core/client', file: 'packages/core/src/client/index.ts' }`. */
function entries() {
  const all = packages.flatMap((each) => {
    const { name, exports } = JSON.parse(readFileSync(join(root, 'packages', each, 'package.json'), 'utf8'));
    return Object.entries(exports).flatMap(([path, { '@keelson/source': source }]) =>
      source === undefined ? [] : [{ name: name + path.slice(1), file: join('packages', each, source) }],
    );
  });
  // What several entries have is told with the room that it is of, so the rooms come before what sums them up.
  const sums = ['@keelson/core', 'keelson/testing', '@keelson/apiserver'];
  return [
    ...all.filter(({ name }) => !sums.includes(name)),
    ...sums.toReversed().flatMap((sum) => all.filter(({ name }) => name === sum)),
  ];
}

/** Of a signature the types say all there is to say of most parameters and results. */
class LeanContext extends MarkdownThemeContext {
  constructor(...args) {
    super(...args);
    const { members, signature } = this.partials;
    this.partials.signature = (model, options) => {
      const said = (model.parameters ?? []).filter((each) => each.comment?.summary.length);
      const list = said.map((each) => `- \`${each.name}\`: ${this.helpers.getCommentParts(each.comment.summary)}`);
      return [signature(model, options), ...(list.length > 0 ? [list.join('\n')] : [])].join('\n\n');
    };
    this.partials.signatureReturns = (model) => {
      const said = model.comment?.getTag('@returns');
      return said ? `Returns ${this.helpers.getCommentParts(said.content)}` : '';
    };
    this.partials.members = (items, options) =>
      items.length > 0 && items.every((each) => each.isReference()) ? this.#table(items) : members(items, options);
  }

  /** Names that are told elsewhere, and their first sentences. */
  #table(items) {
    const rows = items.map((each) => {
      const target = each.getTargetReflectionDeep();
      const said = commentOf(target)?.summary ?? [];
      const [first = ''] = this.helpers
        .getCommentParts(said)
        .replaceAll('\n', ' ')
        .split(/(?<=[.;]) /);
      return `| [\`${each.name}\`](${this.urlTo(target)}) | ${first.replaceAll('|', '\\|').replace(/;$/, '.')} |`;
    });
    return ['| | |', '| ------ | ------ |', ...new Set(rows)].join('\n');
  }
}

/** A name may be a type and a value; one of them says what it is. */
function commentOf(reflection) {
  const twins = (reflection.parent?.children ?? []).filter((each) => each.name === reflection.name);
  return [reflection, ...twins].map((each) => each.comment ?? each.signatures?.[0]?.comment).find(Boolean);
}

class LeanTheme extends MarkdownTheme {
  getRenderContext(page) {
    return new LeanContext(this, page, this.application.options);
  }
}

/** A program of the entries alone: tests and examples need not be looked at. */
function tsconfigFor(all) {
  const dir = join(root, 'node_modules/.cache/reference');
  mkdirSync(dir, { recursive: true });
  const config = {
    extends: join(root, 'tsconfig.json'),
    include: [],
    exclude: [],
    files: all.map(({ file }) => join(root, file)),
  };
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(config));
  return join(dir, 'tsconfig.json');
}

/**
 * Writes the pages into a folder.
 * @returns what is wrong with the docstrings: a line for each, with the name and where it is
 */
async function makeReference(out) {
  const all = entries();
  const complaints = [];
  const app = await Application.bootstrapWithPlugins({
    entryPoints: all.map(({ file }) => join(root, file)),
    basePath: root,
    tsconfig: tsconfigFor(all),
    plugin: ['typedoc-plugin-markdown'],
    // Kinds of Kubernetes are told by Kubernetes, messages of CRI and CSI by their specifications.
    exclude: ['**/generated/**'],
    excludeExternals: true,
    excludeInternal: true,
    excludePrivate: true,
    disableSources: true,
    readme: 'none',
    // Errors of types are told by the type check; sources may be in motion.
    skipErrorChecking: true,
    validation: { notExported: false, invalidLink: true, rewrittenLink: true, notDocumented: false },
    blockTags: [
      '@param',
      '@returns',
      '@throws',
      '@example',
      '@template',
      '@typeParam',
      '@remarks',
      '@deprecated',
      '@see',
    ],
    sort: ['alphabetical'],
    groupOrder: [
      'Functions',
      'Classes',
      'Interfaces',
      'Type Aliases',
      'Variables',
      'Constructors',
      'Properties',
      'Accessors',
      'Methods',
      '*',
      'References',
    ],
    logLevel: LogLevel.Warn,
    outputs: [{ name: 'markdown', path: out }],
    router: 'module',
    entryFileName: 'README',
    cleanOutputDir: true,
    hidePageHeader: true,
    hideBreadcrumbs: true,
    useCodeBlocks: false,
    expandParameters: true,
    parametersFormat: 'none',
    propertiesFormat: 'table',
    interfacePropertiesFormat: 'table',
    classPropertiesFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    propertyMembersFormat: 'table',
    typeDeclarationFormat: 'table',
    enumMembersFormat: 'table',
    tableColumnSettings: { hideInherited: true, hideModifiers: true, hideOverrides: true, hideSources: true },
  });
  app.logger.write = undefined;
  app.logger.log = (text, level) => {
    if (level >= LogLevel.Warn) complaints.push(text.replaceAll(/\u001b\[\d+m/g, ''));
  };
  app.renderer.defineTheme('lean', LeanTheme);
  app.options.setValue('theme', 'lean');
  const project = await app.convert();
  if (!project) throw new Error(complaints.join('\n'));
  project.name = 'Reference';
  for (const each of project.children ?? []) {
    const entry = all.find(({ file }) => join(file).replace(/(\/index)?\.ts$/, '') === each.name);
    if (!entry) throw new Error(`${each.name} is no entry of a package`);
    each.name = shortOf(entry.name);
  }
  app.validate(project);
  for (const entry of project.children ?? []) {
    for (const each of entry.children ?? []) {
      if (each.isReference() || commentOf(each)) continue;
      complaints.push(`${each.name} of ${entry.name} has no docstring: say in a line above it what it is for`);
    }
  }
  app.renderer.on(MarkdownPageEvent.END, (page) => {
    const entry = all.find(({ name }) => shortOf(name) === page.model?.name);
    const text = (page.contents ?? '').replaceAll(/<a id="[^"]*"><\/a> ?/g, '').replaceAll(/\n{3,}/g, '\n\n');
    page.contents = entry ? text.replace(/^# .*$/m, `# ${entry.name}\n\n${about[entry.name]}`) : contentsOf(all);
  });
  await app.generateOutputs(project);
  mendAnchors(out);
  return complaints;
}

/**
 * The names of headings as pages on GitHub have them, by path. Of several headings of one name TypeDoc counts in another
 * order than that in which they stand: where there is none of that number, the last one is meant, as types stand last.
 */
function mendAnchors(out) {
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((each) => each.endsWith('.md'));
  const pages = new Map(files.map((each) => [join(out, each), readFileSync(join(out, each), 'utf8')]));
  const anchors = new Map([...pages].map(([path, text]) => [path, anchorsIn(text)]));
  for (const [path, text] of pages) {
    const mended = text.replaceAll(/\]\(([^)#\s]*)#([^)]+)\)/g, (whole, target, anchor) => {
      const known = anchors.get(target === '' ? path : join(dirname(path), target));
      if (!known || known.has(anchor)) return whole;
      const name = anchor.replace(/-\d+$/, '');
      const last = [...known].findLast((each) => each === name || each.replace(/-\d+$/, '') === name);
      return last === undefined ? whole : `](${target}#${last})`;
    });
    if (mended !== text) writeFileSync(path, mended);
  }
}

function anchorsIn(text) {
  const counts = new Map();
  const anchors = new Set();
  for (const [, heading] of text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.*)$/gm)) {
    const name = heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    anchors.add(count === 0 ? name : `${name}-${count}`);
  }
  return anchors;
}

/** How its page is called. */
const shortOf = (name) => name.replace(/^@keelson\//, '');

function contentsOf(all) {
  const names = Object.keys(about);
  const untold = all.filter(({ name }) => !names.includes(name));
  if (untold.length > 0) throw new Error(`scripts/reference.mjs does not say what is in ${untold[0].name}`);
  const rows = names.map((name) => `| [\`${name}\`](${shortOf(name)}.md) | ${about[name]} |`);
  return [
    '# Reference',
    'Every public name of the packages, as its source describes it. Made by `npm run docs`.',
    ['| | |', '| ------ | ------ |', ...rows].join('\n'),
    "Types of Kubernetes' own kinds (`Pod`, `Deployment` …), and the messages of CRI and CSI, are made from their schemas and have their names: see [Kubernetes' reference](https://kubernetes.io/docs/reference/kubernetes-api/).\n",
  ].join('\n\n');
}

if (resolve(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  const out = resolve(process.argv[2] ?? join(root, 'docs/reference'));
  const complaints = await makeReference(out);
  for (const each of complaints) console.error(each);
  process.exitCode = complaints.length > 0 ? 1 : 0;
}
