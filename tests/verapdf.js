// Validates PDFs with veraPDF's library. Run by tests/verapdf.py in Rhino's shell, which stands in the same jar: a JRE is
// enough, nothing is compiled.   java -cp JAR org.mozilla.javascript.tools.shell.Main verapdf.js
// Reads questions, one a line and tab-separated: FLAVOURS FILE...   Prints for each, tab-separated, `FILE FLAVOUR pass`,
// or for each rule broken `FILE FLAVOUR fail CLAUSE TEST COUNT MESSAGE`, and then `done`; ends with an error at the first
// file that it cannot read.
//
// The library reads its validation profiles (XML, in the jar) with JAXB, which neither this jar (it is minimised) nor
// Java 11+ carries; they are read here with DOM. Their format: https://docs.verapdf.org/validation/rules/
"use strict";

var profiles = Packages.org.verapdf.pdfa.validation.profiles;
var Flavour = Packages.org.verapdf.pdfa.flavours.PDFAFlavour;
var Foundries = Packages.org.verapdf.pdfa.Foundries;
var RESOURCES = { "3a": "PDFA-3A", "ua1": "PDFUA-1" };

function children(node, name) {
  var found = [];
  for (var child = node.getFirstChild(); child; child = child.getNextSibling()) {
    if (child.getNodeName() == name) found.push(child);
  }
  return found;
}

function the(node, name) {
  var found = children(node, name);
  if (found.length != 1) throw new Error("expected one <" + name + "> in <" + node.getNodeName() + ">, came " + found.length);
  return found[0];
}

function text(node, name) {
  return the(node, name).getTextContent();
}

function attribute(node, name) {
  return node.hasAttribute(name) ? node.getAttribute(name) : null;
}

function rule(node) {
  var id = the(node, "id"), error = the(node, "error");
  var shown = new java.util.ArrayList(), references = new java.util.ArrayList();
  children(the(error, "arguments"), "argument").forEach(function (argument) {
    shown.add(profiles.ErrorArgumentImpl.fromValues(argument.getTextContent(), attribute(argument, "name"), null));
  });
  var specification = Packages.org.verapdf.pdfa.flavours.PDFAFlavour$Specification.valueOf(attribute(id, "specification"));
  return profiles.Profiles.ruleFromValues(
    profiles.Profiles.ruleIdFromValues(specification, attribute(id, "clause"), parseInt(attribute(id, "testNumber"), 10)),
    attribute(node, "object"),
    node.hasAttribute("deferred") ? java.lang.Boolean.valueOf(attribute(node, "deferred")) : null,
    attribute(node, "tags"),
    text(node, "description"),
    text(node, "test"),
    profiles.Profiles.errorFromValues(text(error, "message"), shown),
    references
  );
}

function profile(flavour, name) {
  var path = "org/verapdf/pdfa/validation/" + name + ".xml";
  var stream = java.lang.ClassLoader.getSystemResourceAsStream(path);
  if (!stream) throw new Error("expected " + path + " in the jar");
  var root = javax.xml.parsers.DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(stream).getDocumentElement();
  var rules = new java.util.HashSet(), variables = new java.util.HashSet();
  children(the(root, "rules"), "rule").forEach(function (node) { rules.add(rule(node)); });
  children(the(root, "variables"), "variable").forEach(function (node) {
    variables.add(profiles.Profiles.variableFromValues(
      attribute(node, "name"), attribute(node, "object"), text(node, "defaultValue"), text(node, "value")));
  });
  if (rules.size() < 50) throw new Error("expected the rules of " + name + ", came " + rules.size());
  var details = profiles.Profiles.profileDetailsFromValues(name, name, "veraPDF Consortium", new java.util.Date(0));
  return profiles.Profiles.profileFromValues(flavour, details, "", rules, variables);
}

function plain(words) {
  return String(words).replace(/\s+/g, " ");
}

function validate(file, flavour, rules) {
  var stream = new java.io.FileInputStream(file), parser = null, broken = {}, counts = {};
  try {
    parser = Foundries.defaultInstance().createParser(stream, flavour);
    // up to 100 of each rule shown, passed checks not kept, with error messages, without progress
    var result = Foundries.defaultInstance().createValidator(rules, 100, false, true, false).validate(parser);
    result.getTestAssertions().toArray().forEach(function (found) {
      var key = plain(found.getRuleId().getClause()) + "\t" + found.getRuleId().getTestNumber();
      broken[key] = broken[key] || plain(found.getErrorMessage() || found.getMessage()) + " at " + plain(found.getLocation().getContext());
      counts[key] = (counts[key] || 0) + 1;
    });
    if (String(result.getJobEndStatus()) != "normal") throw new Error("expected a normal end, came " + result.getJobEndStatus());
    if (result.getTotalAssertions() < 1) throw new Error("expected checks, came none: the profile was not read");
    if (result.isCompliant() != (Object.keys(broken).length == 0)) throw new Error("the result contradicts its assertions");
  } finally {
    if (parser) parser.close();
    stream.close();
  }
  return Object.keys(broken).sort().map(function (key) { return "fail\t" + key + "\t" + counts[key] + "\t" + broken[key]; });
}

java.util.logging.LogManager.getLogManager().reset();
var out = new java.io.PrintStream(java.lang.System.out, true, "UTF-8");
Packages.org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider.initialise();
var rules = {};  // read once for all questions
function rulesOf(id) {
  if (!RESOURCES[id]) throw new Error("expected one of " + Object.keys(RESOURCES) + ", came " + id);
  rules[id] = rules[id] || profile(Flavour.fromString(id), RESOURCES[id]);
  return rules[id];
}

var questions = new java.io.BufferedReader(new java.io.InputStreamReader(java.lang.System["in"], "UTF-8"));
for (var line = questions.readLine(); line !== null; line = questions.readLine()) {
  var words = String(line).split("\t"), files = words.slice(1);
  words[0].split(",").forEach(function (id) {
    files.forEach(function (file) {
      var failed = validate(file, Flavour.fromString(id), rulesOf(id));
      (failed.length ? failed : ["pass"]).forEach(function (said) { out.println(file + "\t" + id + "\t" + said); });
    });
  });
  out.println("done");
}
