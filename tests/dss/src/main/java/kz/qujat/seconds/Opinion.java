package kz.qujat.seconds;

import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonCertificateSource;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.crl.ExternalResourcesCRLSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Asks EU DSS about files. A question is a line of standard input: {@code PKI FILE[+DETACHED] …}, divided by tabs; the
 * answer ends with a line "done".
 *
 * <p>PKI is a folder with {@code root*.pem} (anchors), other {@code *.pem} certificates and {@code *.crl.pem}. Prints one
 * line a signature: FILE, indication, sub-indication, format, number of signatures, errors, all divided by tabs. Nothing
 * is fetched from anywhere.
 */
public final class Opinion {
    private Opinion() {}

    public static void main(String[] none) throws Exception {
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            answer(Arrays.asList(line.split("\t")));
            System.out.println("done");
            System.out.flush();
        }
    }

    private static void answer(List<String> words) throws Exception {
        Path pki = Path.of(words.get(0));
        for (String word : words.subList(1, words.size())) {
            String[] parts = word.split("\\+", 2);
            SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(new FileDocument(parts[0]));
            validator.setCertificateVerifier(verifier(pki));
            if (parts.length > 1) {
                validator.setDetachedContents(List.<DSSDocument>of(new FileDocument(parts[1])));
            }
            Reports reports = validator.validateDocument();
            print(parts[0], reports.getSimpleReport());
            if (System.getenv("OPINION_DETAILS") != null) {
                System.err.println(reports.getXmlSimpleReport());
            }
        }
    }

    private static CommonCertificateVerifier verifier(Path pki) throws Exception {
        CommonTrustedCertificateSource anchors = new CommonTrustedCertificateSource();
        CommonCertificateSource others = new CommonCertificateSource();
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        for (File file : sorted(pki, ".pem")) {
            if (file.getName().endsWith(".crl.pem") || file.getName().endsWith(".key.pem")) {
                continue;
            }
            CertificateToken token = DSSUtils.loadCertificate(file);
            if (file.getName().startsWith("root")) {
                anchors.addCertificate(token);
            } else {
                others.addCertificate(token);
            }
        }
        verifier.setTrustedCertSources(anchors);
        verifier.setAdjunctCertSources(others);
        verifier.setCrlSource(new ExternalResourcesCRLSource(crls(pki)));
        return verifier;
    }

    private static eu.europa.esig.dss.model.DSSDocument[] crls(Path pki) {
        return sorted(pki, ".crl.pem").stream()
            .map(file -> (eu.europa.esig.dss.model.DSSDocument) new eu.europa.esig.dss.model.InMemoryDocument(der(file)))
            .toArray(eu.europa.esig.dss.model.DSSDocument[]::new);
    }

    private static byte[] der(File file) {
        try {
            String text = Files.readString(file.toPath());
            String body = text.replaceAll("-----[A-Z0-9 ]+-----", "").replaceAll("\\s", "");
            return java.util.Base64.getDecoder().decode(body);
        } catch (java.io.IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }

    private static List<File> sorted(Path folder, String ending) {
        File[] found = folder.toFile().listFiles((directory, name) -> name.endsWith(ending));
        Arrays.sort(found, Comparator.comparing(File::getName));
        return List.of(found);
    }

    private static void print(String file, SimpleReport report) {
        for (String id : report.getSignatureIdList()) {
            System.out.println(String.join("\t",
                file,
                String.valueOf(report.getIndication(id)),
                String.valueOf(report.getSubIndication(id)),
                String.valueOf(report.getSignatureFormat(id)),
                String.valueOf(report.getSignaturesCount()),
                messages(report, id)));
        }
        if (report.getSignatureIdList().isEmpty()) {
            System.out.println(String.join("\t", file, "NO_SIGNATURE", "null", "null", "0", ""));
        }
    }

    private static String messages(SimpleReport report, String id) {
        StringBuilder said = new StringBuilder();
        report.getAdESValidationErrors(id).forEach(m -> said.append("E: ").append(m.getValue()).append("; "));
        report.getAdESValidationWarnings(id).forEach(m -> said.append("W: ").append(m.getValue()).append("; "));
        return said.toString();
    }
}
