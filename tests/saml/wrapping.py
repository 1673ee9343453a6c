"""Signature wrapping of a provider's real response: the eight kinds of "On Breaking SAML" (Somorovsky and others, 2012), and relatives, as text: nothing of what was signed is written anew."""
import re

from integration.identity_provider import encrypted


def element(xml, name):
    """The first element of that local name, as it is written."""
    found = re.search(r"<((?:[\w.-]+:)?%s)[\s>]" % name, xml)
    end = "</%s>" % found.group(1)
    return xml[found.start():xml.index(end, found.start()) + len(end)]


def own_signature(xml):
    """The signature that is a child of the element: the first, if it has one before an assertion begins."""
    return element(xml, "Signature")


def after_issuer(xml, what):
    """With something after the element's issuer."""
    issuer = element(xml, "Issuer")
    return xml.replace(issuer, issuer + what, 1)


def before_end(xml, what):
    at = xml.rindex("</")
    return xml[:at] + what + xml[at:]


def with_id(xml, new):
    return re.sub(r'\bID="[^"]+"', 'ID="%s"' % new, xml, count=1)


def without_id(xml, name):
    return re.sub(r'\bID="', '%s="' % name, xml, count=1)


def in_object(signature, what):
    prefix = re.match(r"<([\w.-]+:)?", signature).group(1) or ""
    return before_end(signature, "<%sObject>%s</%sObject>" % (prefix, what, prefix))


def is_signed(xml):
    """The response itself."""
    return "Signature" in xml.split("Assertion")[0]


def forgeries(xml, user, other, certificate):
    """All that can be made of a response: (what, text, the check that refuses it)."""
    if is_signed(xml):
        yield from of_response(xml, user, other)
        yield from of_assertion_in_signed_response(xml, user, other)
        xml = xml.replace(own_signature(xml), "", 1)
    # What is left of a response that was signed, too, once somebody has taken its signature away.
    if "Signature" in element(xml, "Assertion"):
        for what, forged, check in of_assertion(xml, user, other):
            yield what, forged, check
            yield from hidden(what, forged, check, certificate)


def hidden(what, forged, check, certificate):
    """The forgery once more, encrypted: everybody has the certificate."""
    if check in ("ONE_ASSERTION", "DOCTYPE"):
        return
    name = next(name for name in re.findall(r"<([\w.:-]+)", forged) if name.endswith("Assertion"))
    begin, end = forged.index("<" + name), forged.rindex("</%s>" % name) + len("</%s>" % name)
    # What can't be read is told from what can't be decrypted by nobody.
    yield what + ", encrypted", forged[:begin] + encrypted(forged[begin:end], certificate) + forged[end:], "DECRYPTION" if check == "XML_ID" else check


def of_assertion_in_signed_response(xml, user, other):
    """The kinds of the assertion's, in a response that keeps its signature."""
    genuine = element(xml, "Assertion")
    evil = with_id(genuine, "_evil").replace(user, other)
    value = "SIGNATURE_VALUE"
    yield "3: forged before the genuine one, the response signed", xml.replace(genuine, evil + genuine), "ONE_ASSERTION"
    yield "4: forged around the genuine one, the response signed", xml.replace(genuine, before_end(evil, genuine)), value
    yield "5: forged instead of the genuine one, which is at the end", before_end(xml.replace(genuine, evil), "<x>%s</x>" % genuine), value
    yield "7: forged in Extensions, the response signed", xml.replace(element(xml, "Status"), "<x>%s</x>" % evil + element(xml, "Status")), value
    signature = own_signature(xml)
    around = in_object(signature, genuine)
    yield "8: the genuine one in an Object of the response's signature", xml.replace(signature, "\0", 1).replace(genuine, evil).replace("\0", around), "SIGNATURE_SHAPE"


def of_assertion(xml, user, other):
    """Forgeries from a response whose assertion is signed, and which is not: (what, text, the checks that may refuse it)."""
    genuine = element(xml, "Assertion")
    signature = own_signature(genuine)
    bare = genuine.replace(signature, "")
    evil = with_id(bare, "_evil").replace(user, other)
    identifier = re.search(r'\bID="([^"]+)"', genuine).group(1)

    def put(text):
        return xml.replace(genuine, text)
    one, elsewhere, shape = "ONE_ASSERTION", "REFERENCE_ELSEWHERE", "SIGNATURE_SHAPE"
    yield "3: forged before the genuine one", put(evil + genuine), one
    yield "3: forged after the genuine one", put(genuine + evil), one
    yield "4: forged around the genuine one", put(before_end(evil, genuine)), "UNSIGNED"
    yield "5: the signature in a forged one, the genuine one without it at the end", put(after_issuer(evil, signature) + bare), one
    yield "5: the signature in a forged one alone", put(after_issuer(evil, signature)), elsewhere
    yield "6: the genuine one in the signature of a forged one", put(after_issuer(evil, in_object(signature, bare))), shape
    yield "7: forged in Extensions", xml.replace(element(xml, "Status"), "<x>%s</x>" % evil + element(xml, "Status")), one
    yield "8: the signature moved to the genuine one in an Object", put(after_issuer(evil, in_object(signature, genuine))), shape
    yield "the genuine one in an advice", put(before_end(after_issuer(evil, signature), "<x>%s</x>" % bare)), elsewhere
    yield "both with one id", put(before_end(after_issuer(with_id(evil, identifier), signature), "<x>%s</x>" % bare)), "DUPLICATE_ID"
    for name in ("Id", "id"):
        yield "the genuine one's id called " + name, put(before_end(after_issuer(with_id(evil, identifier), signature), "<x>%s</x>" % without_id(bare, name))), "DUPLICATE_ID"
    yield "the genuine one's id called xml:id", put(before_end(after_issuer(with_id(evil, identifier), signature), "<x>%s</x>" % without_id(bare, "xml:id"))), "XML_ID"
    yield "no signature", put(bare), "UNSIGNED"
    yield "the signature as the response's", after_issuer(put(bare), signature), elsewhere
    yield "changed", put(genuine.replace(user, other)), "SIGNATURE_VALUE"
    yield "an entity", '<!DOCTYPE x [<!ENTITY e "%s">]>' % other + re.sub(r"^\s*<\?xml[^>]*\?>", "", xml), "DOCTYPE"


def of_response(xml, user, other):
    """The same of a response that is signed itself."""
    xml = re.sub(r"^\s*<\?xml[^>]*\?>\s*", "", xml)
    signature = own_signature(xml)
    bare = xml.replace(signature, "")
    evil = with_id(bare, "_evil").replace(user, other)
    status = element(xml, "Status")
    identifier = re.search(r'\bID="([^"]+)"', xml).group(1)

    def put(text, before):
        return text.replace(status, before + status, 1)
    yield "1: the genuine response in the signature of a forged one", put(evil, in_object(signature, bare)), "SIGNATURE_SHAPE"
    yield "2: the genuine response beside the signature", put(evil, signature + bare), "REFERENCE_ELSEWHERE"
    yield "2: the genuine response before the signature", put(evil, bare + signature), "REFERENCE_ELSEWHERE"
    yield "the genuine response in Extensions", put(evil, signature + "<x>%s</x>" % bare), "REFERENCE_ELSEWHERE"
    yield "both with one id", put(with_id(evil, identifier), signature + "<x>%s</x>" % bare), "DUPLICATE_ID"
    for name in ("Id", "id"):
        yield "the genuine one's id called " + name, put(with_id(evil, identifier), signature + "<x>%s</x>" % without_id(bare, name)), "DUPLICATE_ID"
    # A signed assertion is worth as much in a response without signature.
    if "Signature" not in bare:
        yield "no signature", bare, "UNSIGNED"
    yield "two signatures", put(xml, signature), "SEVERAL_SIGNATURES"
    yield "changed", xml.replace(user, other), "SIGNATURE_VALUE"
    yield "the signature in the assertion", after_issuer_of_assertion(bare, signature), "SEVERAL_SIGNATURES" if "Signature" in bare else "REFERENCE_ELSEWHERE"
    yield "another assertion", before_end(xml, element(evil, "Assertion")), "ONE_ASSERTION"
    yield "an entity", '<!DOCTYPE x [<!ENTITY e "%s">]>' % other + xml, "DOCTYPE"


def after_issuer_of_assertion(xml, what):
    assertion = element(xml, "Assertion")
    return xml.replace(assertion, after_issuer(assertion, what))
