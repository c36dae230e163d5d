//! What the server answers an enrollment with, as text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_pki::Certificate;
use roxmltree::Document;

pub(super) fn soap(request: &str, action: &str, header: &str, body: &str) -> String {
    let document = Document::parse(request).unwrap();
    let id = document
        .descendants()
        .find(|node| node.tag_name().name() == "MessageID")
        .and_then(|node| node.text())
        .unwrap();
    format!(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:a=\"http://www.w3.org/2005/08/addressing\">
        <s:Header><a:Action s:mustUnderstand=\"1\">{action}</a:Action><a:RelatesTo>{id}</a:RelatesTo>{header}</s:Header>
        <s:Body>{body}</s:Body></s:Envelope>"
    )
}

/// A fault in place of an answer.
pub(crate) fn fault(subcode: &str, error_type: &str) -> String {
    format!(
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>
        <s:Reason><s:Text xml:lang=\"en-us\">no</s:Text></s:Reason><s:Detail><DeviceEnrollmentServiceError
        xmlns=\"http://schemas.microsoft.com/windows/pki/2009/01/enrollment\"><ErrorType>{error_type}</ErrorType>
        <Message>m</Message><TraceId>t</TraceId></DeviceEnrollmentServiceError></s:Detail></s:Fault>"
    )
}

pub(super) fn policies(body: &str) -> String {
    soap(
        body,
        "http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy/IPolicy/GetPoliciesResponse",
        "",
        "<GetPoliciesResponse xmlns=\"http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">
        <response><policyID>p</policyID><policyFriendlyName xsi:nil=\"true\"/><nextUpdateHours xsi:nil=\"true\"/><policiesNotChanged xsi:nil=\"true\"/>
        <policies><policy><policyOIDReference>0</policyOIDReference><cAs xsi:nil=\"true\"/><attributes>
        <commonName>ExampleDevice</commonName><policySchema>3</policySchema>
        <certificateValidity><validityPeriodSeconds>31536000</validityPeriodSeconds><renewalPeriodSeconds>3628800</renewalPeriodSeconds></certificateValidity>
        <permission><enroll>true</enroll><autoEnroll>false</autoEnroll></permission>
        <privateKeyAttributes><minimalKeyLength>2048</minimalKeyLength><keySpec xsi:nil=\"true\"/><keyUsageProperty xsi:nil=\"true\"/>
        <permissions xsi:nil=\"true\"/><algorithmOIDReference xsi:nil=\"true\"/><cryptoProviders xsi:nil=\"true\"/></privateKeyAttributes>
        <revision><majorRevision>101</majorRevision><minorRevision>0</minorRevision></revision>
        <supersededPolicies xsi:nil=\"true\"/><privateKeyFlags xsi:nil=\"true\"/><subjectNameFlags xsi:nil=\"true\"/>
        <enrollmentFlags xsi:nil=\"true\"/><generalFlags xsi:nil=\"true\"/><hashAlgorithmOIDReference>0</hashAlgorithmOIDReference>
        <rARequirements xsi:nil=\"true\"/><keyArchivalAttributes xsi:nil=\"true\"/><extensions xsi:nil=\"true\"/>
        </attributes></policy></policies></response><cAs xsi:nil=\"true\"/>
        <oIDs><oID><value>2.16.840.1.101.3.4.2.1</value><group>1</group><oIDReferenceID>0</oIDReferenceID>
        <defaultName>szOID_NIST_sha256</defaultName></oID></oIDs></GetPoliciesResponse>",
    )
}

pub(super) fn provisioning_document(root: &Certificate, certificate: &Certificate, device: &str) -> String {
    format!(
        r#"<wap-provisioningdoc version="1.1">
  <characteristic type="CertificateStore">
    <characteristic type="Root"><characteristic type="System"><characteristic type="{root_thumbprint}">
      <parm name="EncodedCertificate" value="{root}"/></characteristic></characteristic></characteristic>
    <characteristic type="My">
      <characteristic type="User"><characteristic type="{thumbprint}"><parm name="EncodedCertificate" value="{certificate}"/></characteristic>
        <characteristic type="PrivateKeyContainer"/></characteristic>
      <characteristic type="WSTEP"><characteristic type="Renew">
        <parm name="ROBOSupport" value="true" datatype="boolean"/><parm name="RenewPeriod" value="42" datatype="integer"/>
        <parm name="RetryInterval" value="4" datatype="integer"/></characteristic></characteristic>
    </characteristic>
  </characteristic>
  <characteristic type="APPLICATION">
    <parm name="APPID" value="w7"/><parm name="PROVIDER-ID" value="ExampleMDM"/><parm name="NAME" value="Example device management"/>
    <parm name="ADDR" value="https://mdm.example.org/omadm"/><parm name="CONNRETRYFREQ" value="6"/>
    <parm name="INITIALBACKOFFTIME" value="30000"/><parm name="MAXBACKOFFTIME" value="120000"/><parm name="BACKCOMPATRETRYDISABLED"/>
    <parm name="DEFAULTENCODING" value="application/vnd.syncml.dm+xml"/>
    <parm name="SSLCLIENTCERTSEARCHCRITERIA" value="Subject=CN%3D{device}&amp;Stores=My%5CUser"/>
    <characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="CLIENT"/><parm name="AAUTHTYPE" value="DIGEST"/>
      <parm name="AAUTHSECRET" value="server-secret-1"/><parm name="AAUTHDATA" value="bm9uY2UtMDAwMA=="/></characteristic>
    <characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="APPSRV"/><parm name="AAUTHTYPE" value="DIGEST"/>
      <parm name="AAUTHNAME" value="9C2D7B1E5A"/><parm name="AAUTHSECRET" value="correct-horse"/>
      <parm name="AAUTHDATA" value="bm9uY2UtMDAwMQ=="/></characteristic>
  </characteristic>
  <characteristic type="DMClient"><characteristic type="Provider"><characteristic type="ExampleMDM">
    <parm name="UPN" value="ada@example.org" datatype="string"/><parm name="EntDMID" value="emm-000042" datatype="string"/>
    <characteristic type="Poll">
      <parm name="NumberOfFirstRetries" value="8" datatype="integer"/><parm name="IntervalForFirstSetOfRetries" value="15" datatype="integer"/>
      <parm name="NumberOfSecondRetries" value="5" datatype="integer"/><parm name="IntervalForSecondSetOfRetries" value="3" datatype="integer"/>
      <parm name="NumberOfRemainingScheduledRetries" value="0" datatype="integer"/>
      <parm name="IntervalForRemainingScheduledRetries" value="1560" datatype="integer"/>
      <parm name="PollOnLogin" value="true" datatype="boolean"/></characteristic>
  </characteristic></characteristic></characteristic>
</wap-provisioningdoc>"#,
        root_thumbprint = root.thumbprint(),
        root = STANDARD.encode(root.der()),
        thumbprint = certificate.thumbprint(),
        certificate = STANDARD.encode(certificate.der()),
    )
}

pub(super) fn renewal_document(certificate: &Certificate, is_linked: bool) -> String {
    let (store, provider) = if is_linked {
        ("System", "ExampleDC")
    } else {
        ("User", "ExampleMDM")
    };
    format!(
        r#"<wap-provisioningdoc version="1.1"><characteristic type="CertificateStore"><characteristic type="My">
        <characteristic type="{store}"><characteristic type="{}"><parm name="EncodedCertificate" value="{}"/>
        <characteristic type="PrivateKeyContainer"/></characteristic></characteristic></characteristic></characteristic>
        <characteristic type="APPLICATION"><parm name="PROVIDER-ID" value="{provider}"/></characteristic></wap-provisioningdoc>"#,
        certificate.thumbprint(),
        STANDARD.encode(certificate.der())
    )
}

/// That of a linked enrollment: another provider, the device's store, a session every 8 hours.
pub(super) fn linked_document(root: &Certificate, certificate: &Certificate, device: &str) -> String {
    let mut text = provisioning_document(root, certificate, device);
    for (old, new) in [
        ("ExampleMDM", "ExampleDC"),
        ("ExampleMDM", "ExampleDC"),
        (
            "<characteristic type=\"User\">",
            "<characteristic type=\"System\">",
        ),
        ("Stores=My%5CUser", "Stores=My%5CSystem"),
        (
            "https://mdm.example.org/omadm",
            "https://mdm.example.org/linked/session",
        ),
        (
            "<parm name=\"EntDMID\" value=\"emm-000042\" datatype=\"string\"/>",
            "<parm name=\"EntDMID\" value=\"dc-000042\" datatype=\"string\"/><parm name=\"SyncApplicationVersion\" value=\"3.0\" datatype=\"string\"/>",
        ),
        (
            "\"NumberOfFirstRetries\" value=\"8\"",
            "\"NumberOfFirstRetries\" value=\"0\"",
        ),
        (
            "\"IntervalForFirstSetOfRetries\" value=\"15\"",
            "\"IntervalForFirstSetOfRetries\" value=\"480\"",
        ),
    ] {
        assert!(text.contains(old), "{old}");
        text = text.replacen(old, new, 1);
    }
    text
}
