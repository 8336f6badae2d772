import { createRequire } from 'node:module';
import { Command, InvalidArgumentError, Option } from 'commander';
import { backup } from './commands/backup.ts';
import { dev } from './commands/dev.ts';
import { down } from './commands/down.ts';
import { printKubeconfig } from './commands/kubeconfig.ts';
import { manifests } from './commands/manifests.ts';
import { type ReplayFlags, replayRecording } from './commands/replay.ts';
import { restore } from './commands/restore.ts';
import { rotateKey } from './commands/rotate-key.ts';
import { status } from './commands/status.ts';
import { testenv } from './commands/testenv.ts';
import { type TraceFlags, trace } from './commands/trace.ts';
import { up } from './commands/up.ts';
import { runtimeNames } from './config/schema.ts';

const whole = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  return value;
};

const dataDir = () =>
  new Option('--data-dir <dir>', 'where the cluster is kept (default: dataDir of the configuration, or .keelson)');
const config = () =>
  new Option('--config <file>', 'configuration (default: keelson.yaml in this folder, if there is one)');

function clusterOptions(command: Command): Command {
  return command
    .addOption(config())
    .addOption(dataDir())
    .option('--port <n>', 'port of the API on loopback; 0 takes a free one', whole(0, 65535))
    .option('--nodes <n>', 'how many nodes', whole(0, 5000))
    .addOption(new Option('--runtime <name>', 'what runs containers').choices(runtimeNames))
    .option('--kubeconfig <file>', 'where to write the kubeconfig (default: in the data directory)')
    .addOption(new Option('--log-format <format>', 'how to log').choices(['text', 'json']).default('text'))
    .addOption(
      new Option('--log-level <level>', 'what to log').choices(['debug', 'info', 'warn', 'error']).default('warn'),
    );
}

/** The `keelson` command. */
export function createProgram(): Command {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  const program = new Command('keelson')
    .description('A whole Kubernetes cluster in one process, and the SDK it is built with.')
    .version(version)
    .showHelpAfterError('(keelson --help says more)');

  clusterOptions(program.command('up').description('start a cluster, and stay until Ctrl-C'))
    .option('--wait', 'return when it is ready and leave it in the background; `keelson down` ends it')
    .addHelpText(
      'after',
      '\nExamples:\n  keelson up\n  keelson up --nodes 3 --runtime simulated --port 0\n  keelson up --wait && kubectl --kubeconfig "$(keelson kubeconfig --path)" get nodes',
    )
    .action(up);

  program
    .command('down')
    .description('stop the cluster of a data directory, in order')
    .addOption(config())
    .addOption(dataDir())
    .option('--timeout <seconds>', 'how long to wait before it is ended by force', whole(1, 3600), 60)
    .action(down);

  program
    .command('status')
    .description('say whether a cluster runs here, and how it is')
    .addOption(config())
    .addOption(dataDir())
    .action(status);

  program
    .command('kubeconfig')
    .description('print the kubeconfig of a cluster')
    .addOption(config())
    .addOption(dataDir())
    .option('--path', 'print only the path of the file')
    .action(printKubeconfig);

  program
    .command('backup')
    .description('write all objects and certificates of a cluster into one file; it may run on meanwhile')
    .argument('<file>', 'where to write it; it holds secrets, and is readable by its owner alone')
    .addOption(config())
    .addOption(dataDir())
    .option('--force', 'replace the file if it exists')
    .addHelpText(
      'after',
      "\nThe file holds all objects and the certificates, of one moment; not what volumes contain. A cluster in etcd is backed up with etcd's own `etcdctl snapshot save`.",
    )
    .action(backup);

  program
    .command('restore')
    .description('make a data directory of a backup')
    .argument('<file>', 'what `keelson backup` wrote; a damaged or newer one is refused')
    .addOption(config())
    .addOption(dataDir())
    .option('--force', 'put aside what the data directory holds')
    .addHelpText(
      'after',
      '\nresourceVersions go on far beyond those of the backup, so that clients list anew instead of missing changes.',
    )
    .action(restore);

  program
    .command('rotate-key')
    .description('replace the key that signs ServiceAccount tokens; those that it has signed stay good')
    .addOption(config())
    .addOption(dataDir())
    .addHelpText(
      'after',
      '\nA running cluster takes the new key over within half a minute. Remove pki/sa-*.pub from the data directory to end the tokens of an old one.',
    )
    .action(rotateKey);

  clusterOptions(
    program
      .command('dev')
      .description(
        'start a cluster with simulated nodes and run the operators of a file; a change of its sources swaps them',
      )
      .argument('<file>', 'exports the operator by default; TypeScript or JavaScript'),
  )
    .addHelpText('after', '\nCaches go on while operators are swapped, and every object is reconciled by the new code.')
    .action(dev);

  program
    .command('manifests')
    .description(
      'write all that it takes to run an operator in a cluster: definitions, rights, Deployment, network policy, webhooks',
    )
    .argument('<file>', 'exports the operator by default; TypeScript or JavaScript')
    .option('--namespace <name>', 'where it runs (default: <operator>-system)')
    .option('--image <image>', 'what it runs from (default: <operator>:latest)')
    .option('--replicas <n>', 'how many; one leads, the others are warm (default: 2)', whole(1, 100))
    .option('--shards <n>', 'all replicas work: they divide the objects into so many parts', whole(1, 1_024))
    .addOption(
      new Option('--ca <who>', 'who makes the certificate of webhooks, and says that it is trusted')
        .choices(['operator', 'cert-manager'])
        .default('operator'),
    )
    .option('--kustomize <dir>', 'write a base for `kubectl apply -k` there')
    .option('--helm <dir>', 'write a chart there')
    .option('--dockerfile <file>', 'write a Dockerfile there, on a distroless base')
    .option('--force', 'replace files that exist')
    .addHelpText(
      'after',
      '\nWithout --kustomize, --helm and --dockerfile everything goes to standard output:\n  keelson manifests operator.ts --image registry.example.com/website:1.0.0 | kubectl apply -f -',
    )
    .action(manifests);

  program
    .command('trace')
    .description('say why the reconciles of a running operator ran, and what came of them')
    .argument('[controller]', 'only of this controller')
    .argument('[key]', 'only of this object: namespace/name')
    .addOption(
      new Option('--operator <url>', 'where its health is served')
        .env('KEELSON_OPERATOR')
        .default('http://127.0.0.1:8081'),
    )
    .option('--follow', 'go on with what is reconciled from now on')
    .option('--json', 'print lines of JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  keelson trace website default/hello\n  keelson trace --follow\n  kubectl port-forward deploy/website 8081 & keelson trace',
    )
    .action((controller: string | undefined, key: string | undefined, flags: TraceFlags) =>
      trace(controller, key, flags),
    );

  program
    .command('replay')
    .description(
      "play what an operator saw in production to its code of today: what it writes otherwise, and what's wrong",
    )
    .argument('<recording>', 'a file or a directory that an operator has written with --record')
    .argument('<file>', 'exports the operator by default; TypeScript or JavaScript')
    .option('--invariants <file>', 'exports by default { always, finally }: functions by name that say what is wrong')
    .option('--strict', 'fail also where it only writes something else')
    .option(
      '--shrink-runs <n>',
      'how often to try with less of the recording, to find what matters',
      whole(0, 100_000),
      200,
    )
    .option('--reach-out', 'let the operator open connections; what it does out there is done again')
    .addHelpText(
      'after',
      '\nNothing is needed but the recording: the cluster is simulated, in virtual time.\n\nExamples:\n  keelson-operator operator.js --record recordings\n  keelson replay recordings operator.ts\n  keelson replay recordings operator.ts --invariants invariants.ts --strict',
    )
    .action(async (recording: string, file: string, flags: ReplayFlags) => {
      if (!(await replayRecording(recording, file, flags))) process.exitCode = 1;
    });

  program
    .command('testenv')
    .description(
      "stand in for envtest's programs: tests of operators in any language run against an API server of Keelson",
    )
    .argument('[command...]', 'what to run, after --')
    .option('--assets', 'let each suite of the command start a server of its own, instead of one for all')
    .option('--dir <dir>', 'where the programs are put (default: in your cache)')
    .option('--path', 'without a command: print only where the programs are')
    .addHelpText(
      'after',
      '\nWithout a command it prints the line that sets KUBEBUILDER_ASSETS. With one it starts an API server without controllers, sets KUBECONFIG and USE_EXISTING_CLUSTER, and ends with its exit code.\n\nExamples:\n  eval "$(keelson testenv)" && go test ./...\n  keelson testenv -- go test ./internal/controller/...\n  keelson testenv --assets -- go test ./...',
    )
    .action(testenv);

  return program;
}
