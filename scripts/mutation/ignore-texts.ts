/** Leaves out of mutation what is only for people: tests assert codes and values, never messages. */
import type { Ignorer } from "@stryker-mutator/api/ignore";
import { declareValuePlugin, PluginKind } from "@stryker-mutator/api/plugin";

/** What is read of a node of the syntax tree. */
interface Node {
  readonly type: string;
  readonly value?: unknown;
  readonly key?: Node;
  readonly name?: string;
  readonly callee?: Node;
  readonly property?: Node;
}

/** A node with its place in the tree. */
interface Place {
  readonly node: Node;
  readonly parentPath: Place | null;
}

export const IGNORER_NAME = "texts-for-people";

const REASON = "a text for people: tests assert codes and values";
const CODE = /^[A-Z0-9_]+$/;
/** Members that hold what was found, the specification that asks for a check, or the error underneath. */
const DESCRIBING_MEMBERS: ReadonlySet<string> = new Set(["detail", "reference", "cause", "next"]);
/** Functions that make an error, a finding, or say what is missing: their texts are messages. */
const DESCRIBING_CALLS =
  /^(?:malformed|unsupported|invalid|untrusted|mismatch|broken|fail|pass|warn|unasked|need|needEndorsement|asEndorsement|checkValidity|leaveOut|warnOf|described)$|Error$/;
/** Methods of readers whose text says what is read; a reader of JSON has other ones. */
const READING_CALLS =
  /^(?:take|uint8|u?int(?:8|16|32|64)(?:le|be)?|any|element|content|enter|enterIf|integer|unsigned|oid|octetString|octetsOfBitString|namedBits|bits|time|end|readName|readSerial|explicit|reserved|whole)$/;

function shouldIgnore(path: Place): string | undefined {
  const { node } = path;
  if (node.type === "ObjectExpression") return isCause(path) ? REASON : undefined;
  if (node.type !== "StringLiteral" && node.type !== "TemplateLiteral") return undefined;
  const code = typeof node.value === "string" && CODE.test(node.value);
  if (code && !READING_CALLS.test(nameOf(path.parentPath?.node.callee) ?? "")) return undefined;
  return describes(path) ? REASON : undefined;
}

/** Goes up to the statement that the text is part of. */
function describes(path: Place): boolean {
  for (let at: Place | null = path; at !== null; at = at.parentPath) {
    const { node } = at;
    if (node.type === "ThrowStatement") return true;
    if (/Statement$|Function|VariableDeclaration$/.test(node.type) && node.type !== "ArrowFunctionExpression")
      return false;
    if (node.type === "ObjectProperty" && DESCRIBING_MEMBERS.has(node.key?.name ?? "")) return true;
    const callee = nameOf(node.callee);
    if (callee !== undefined && (DESCRIBING_CALLS.test(callee) || READING_CALLS.test(callee))) return true;
  }
  return false;
}

/** The last argument of an error's constructor, which holds only its cause. */
function isCause({ parentPath }: Place): boolean {
  const callee = nameOf(parentPath?.node.callee);
  return callee?.endsWith("Error") === true;
}

function nameOf(callee: Node | undefined): string | undefined {
  return callee?.name ?? callee?.property?.name;
}

const ignorer: Ignorer = { shouldIgnore: (path) => shouldIgnore(path as Place) };

export const ignoreTexts = declareValuePlugin(PluginKind.Ignore, IGNORER_NAME, ignorer);
