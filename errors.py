"""Every error of Qujat.

QujatError                 .code (stable), a message: what was expected, what came, what to do
├── DecisionError          the caller can mend it
│   ├── UnknownForm             unknown-form
│   ├── NoEditionInForce        no-edition-in-force
│   ├── PublicationDayUnknown   publication-day-unknown
│   ├── WordingNotHeld          wording-not-held
│   ├── AmountUnknown           amount-unknown
│   ├── FieldErrors             field-errors: all at once, with their paths
│   ├── DecisionChanged         decision-changed: this id came before with other contents
│   ├── NumberTaken             number-taken
│   ├── AlreadyIssued           already-issued: nothing is left to sign
│   ├── UnknownDocument         unknown-document
│   │   └── NumberShared            number-shared: several authorities have given it; say which
│   ├── BatchRefused            batch-refused: no batch, or one that is too large
│   ├── UnknownBatch            unknown-batch
│   ├── UnknownWebhook          unknown-webhook
│   ├── BatchChanged            batch-changed: this batch came before with other decisions
│   └── CardRefused             card-refused: the document's signatures are not what an archive card asks for
├── FormError              our own forms are wrong
│   ├── FrozenEditionChanged    frozen-edition-changed
│   └── RenderingError          rendering-failed
│       └── PageUnsafe              page-unsafe: a page that could be primed is not signed
├── SigningError           the document could not be signed
│   ├── KeyUnavailable          key-unavailable
│   ├── CertificateExpired      certificate-expired
│   ├── TimestampUnavailable    timestamp-unavailable
│   ├── SignatureRefused        signature-refused: what came back is not what was asked for
│   ├── SeveralSigners          several-signers: the form asks for more signatures than one key can give
│   ├── UnknownTicket           unknown-ticket
│   ├── TicketExpired           ticket-expired
│   ├── TicketUsed              ticket-used
│   ├── EvidenceUnavailable     evidence-unavailable: nothing says whether a certificate was revoked
│   ├── SignerRevoked           signer-revoked
│   ├── SignerNotEntitled       signer-not-entitled
│   ├── SigningServiceUnavailable  signing-service-unavailable
│   └── SigningServiceRefused      signing-service-refused
├── VerificationError      what was shown to us is not, or not provably, genuine
│   ├── NotSigned               not-signed
│   ├── DocumentAltered         document-altered
│   ├── SignatureInvalid        signature-invalid
│   ├── CertificateUntrusted    certificate-untrusted
│   ├── CertificateRevoked      certificate-revoked
│   ├── TimestampInvalid        timestamp-invalid
│   ├── MarkInvalid             mark-invalid
│   ├── CardInvalid             an archive card that is not what its format asks for; the code says in what
│   └── Indeterminate           neither proved nor refuted
│       ├── UnsupportedAlgorithm    unsupported-algorithm
│       ├── RevocationUnknown       revocation-unknown
│       ├── EvidenceLapsed          evidence-lapsed: what proved it ran out before anything newer took over
│       ├── AuthorityUnknown        authority-unknown: an archive timestamp by somebody not known here
│       └── NotYet                  not-yet: at that moment these bytes did not exist
├── StoreError             the register or the blobs
│   ├── BlobMissing             blob-missing
│   ├── BlobAltered             blob-altered
│   ├── RegisterUnreachable     register-unreachable
│   │   └── SchemaUnfit             schema-unfit: the register is of an older or a newer version of Qujat
│   ├── BatchBusy               batch-busy: somebody is at work on this batch
│   ├── WorkerBusy              worker-busy: a worker is at work with this register already
│   └── WorkerDied              worker-died: processes that issue are killed again and again
├── WorkError              asked of a worker process, and not done; ask again
│   ├── Busy                    busy: more waits already than can be done soon
│   ├── WorkerLost              worker-lost: the process that did it has ended
│   └── DeadlinePassed          deadline-passed
└── ConfigurationError     bad-configuration

Nothing here knows HTTP or exit codes: those tables stand at the edge, keyed by class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class QujatError(Exception):
    """The root. `code` is stable and never translated; the message may change its words."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross from worker processes whole, whatever their class is made with."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[QujatError], arguments: tuple[object, ...], state: dict[str, object]) -> QujatError:
    error = kind.__new__(kind)
    error.args = arguments
    error.__dict__.update(state)
    return error


class DecisionError(QujatError):
    """The decision system can mend it and send the decision again."""

    code = "decision-error"


class UnknownForm(DecisionError):
    code = "unknown-form"


class NoEditionInForce(DecisionError):
    code = "no-edition-in-force"


class PublicationDayUnknown(DecisionError):
    code = "publication-day-unknown"


class WordingNotHeld(DecisionError):
    code = "wording-not-held"


class AmountUnknown(DecisionError):
    """The law fixes an amount, and the data on file do not say which."""

    code = "amount-unknown"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field. `path` is a JSON Pointer (RFC 6901) into the decision."""

    path: str
    code: str
    message: str


class FieldErrors(DecisionError):
    """Everything that is wrong with a decision's contents, at once and in the order of the form."""

    code = "field-errors"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(f"{e.path or '/'}: {e.message}" for e in self.errors))


def as_json(error: QujatError) -> dict[str, Any]:
    """An error as JSON: stable code, message, and for field errors every path."""
    described: dict[str, Any] = {"code": error.code, "message": error.message}
    if isinstance(error, FieldErrors):
        described["errors"] = [{"path": e.path, "code": e.code, "message": e.message} for e in error.errors]
    return described


class DecisionChanged(DecisionError):
    code = "decision-changed"


class NumberTaken(DecisionError):
    code = "number-taken"


class AlreadyIssued(DecisionError):
    code = "already-issued"


class UnknownDocument(DecisionError):
    code = "unknown-document"


class BatchRefused(DecisionError):
    code = "batch-refused"


class UnknownBatch(DecisionError):
    code = "unknown-batch"


class UnknownWebhook(DecisionError):
    code = "unknown-webhook"


class BatchChanged(DecisionError):
    code = "batch-changed"


class NumberShared(UnknownDocument):
    code = "number-shared"


class CardRefused(DecisionError):
    code = "card-refused"


class FormError(QujatError):
    """A form, a template or the paper is wrong: the project must be mended, not the decision."""

    code = "form-error"


class FrozenEditionChanged(FormError):
    code = "frozen-edition-changed"


class RenderingError(FormError):
    code = "rendering-failed"


class PageUnsafe(RenderingError):
    """A page that could show something else after it was signed."""

    code = "page-unsafe"


class SigningError(QujatError):
    code = "signing-error"


class KeyUnavailable(SigningError):
    code = "key-unavailable"


class CertificateExpired(SigningError):
    code = "certificate-expired"


class TimestampUnavailable(SigningError):
    code = "timestamp-unavailable"


class SignatureRefused(SigningError):
    """What came back for a ticket cannot stand in a document; nothing was issued, and the ticket stays open."""

    code = "signature-refused"


class SeveralSigners(SigningError):
    code = "several-signers"


class UnknownTicket(SigningError):
    code = "unknown-ticket"


class TicketExpired(SigningError):
    code = "ticket-expired"


class TicketUsed(SigningError):
    code = "ticket-used"


class EvidenceUnavailable(SigningError):
    """Nobody could say whether a certificate was revoked; nothing is issued, send the decision again."""

    code = "evidence-unavailable"


class SignerRevoked(SigningError):
    code = "signer-revoked"


class SignerNotEntitled(SigningError):
    code = "signer-not-entitled"


class SigningServiceUnavailable(SigningError):
    """A service that signs or checks elsewhere did not answer; nothing is known, try again."""

    code = "signing-service-unavailable"


class SigningServiceRefused(SigningError):
    """A service that signs or checks elsewhere answered, but not with what was asked for."""

    code = "signing-service-refused"


class VerificationError(QujatError):
    code = "verification-error"


class NotSigned(VerificationError):
    code = "not-signed"


class DocumentAltered(VerificationError):
    code = "document-altered"


class SignatureInvalid(VerificationError):
    code = "signature-invalid"


class CertificateUntrusted(VerificationError):
    code = "certificate-untrusted"


class CertificateRevoked(VerificationError):
    code = "certificate-revoked"


class TimestampInvalid(VerificationError):
    code = "timestamp-invalid"


class MarkInvalid(VerificationError):
    code = "mark-invalid"


class CardInvalid(VerificationError):
    """An archive card, or a signature in it, that is not what the format asks for. `code` is stable and says in what:
    no-timestamp, or one that begins with card-."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Indeterminate(VerificationError):
    """Neither proved nor refuted with what is at hand; the message says what is missing."""

    code = "indeterminate"


class UnsupportedAlgorithm(Indeterminate):
    code = "unsupported-algorithm"


class RevocationUnknown(Indeterminate):
    code = "revocation-unknown"


class EvidenceLapsed(Indeterminate):
    """A certificate or an algorithm ran out, and nothing proves that what it protects existed before."""

    code = "evidence-lapsed"


class AuthorityUnknown(Indeterminate):
    """An archive timestamp of an authority whose root is not among the anchors: it proves and refutes nothing."""

    code = "authority-unknown"


class NotYet(Indeterminate):
    """The evidence was made after the moment that was asked about."""

    code = "not-yet"


class StoreError(QujatError):
    code = "store-error"


class BlobMissing(StoreError):
    code = "blob-missing"


class BlobAltered(StoreError):
    code = "blob-altered"


class RegisterUnreachable(StoreError):
    code = "register-unreachable"


class SchemaUnfit(RegisterUnreachable):
    """It answers, but it is not of this version of Qujat: `qujat register upgrade`, or a newer Qujat."""

    code = "schema-unfit"


class BatchBusy(StoreError):
    code = "batch-busy"


class WorkerBusy(StoreError):
    code = "worker-busy"


class WorkerDied(StoreError):
    """Processes that issue were killed again and again: the machine lacks memory, or something ends them."""

    code = "worker-died"


class WorkError(QujatError):
    """Nothing is known to have been done. Asking again is safe: the same decision gives the same document.

    `retry_after`: in how many seconds it is worth while.
    """

    code = "work-error"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Busy(WorkError):
    code = "busy"


class WorkerLost(WorkError):
    code = "worker-lost"


class DeadlinePassed(WorkError):
    code = "deadline-passed"


class ConfigurationError(QujatError):
    code = "bad-configuration"
