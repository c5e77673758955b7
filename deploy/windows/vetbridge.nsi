; The installer for Windows, which tests/deploy/windows.sh makes:
;   makensis -DPROGRAM=vetbridge.exe -DNOTICES=NOTICES.txt -DVERSION=0.1.0 -DOUTPUT=vetbridge-setup.exe vetbridge.nsi
;
; It asks for the folder of the program and for nothing else. It starts nothing before `vetbridge check` passes, and removes
; nothing but what it has installed: configuration, state and log in %ProgramData%\vetbridge stay.

Target amd64-unicode
Name "vetbridge"
OutFile "${OUTPUT}"
!ifdef FAST
  SetCompressor zlib
!else
  SetCompressor /SOLID lzma
!endif
; Files get the time at which they are installed: those of the build would make each installer another one.
SetDateSave off
RequestExecutionLevel admin
InstallDir "$PROGRAMFILES64\vetbridge"
InstallDirRegKey HKLM "Software\vetbridge" "Folder"
ShowInstDetails show
ShowUninstDetails show
BrandingText " "

!include LogicLib.nsh
!include x64.nsh

!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\vetbridge"

VIProductVersion "${VERSION}.0"
VIAddVersionKey ProductName "vetbridge"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey FileDescription "vetbridge: OpenVPMS to Healthengine"
VIAddVersionKey LegalCopyright "Apache-2.0 or MIT"

Page directory
Page instfiles
UninstPage instfiles

; Runs the program with these arguments; its output is shown, its exit status is in $0.
!macro Vetbridge folder arguments
  nsExec::ExecToLog '"${folder}\vetbridge.exe" ${arguments}'
  Pop $0
!macroend

; A program that has just ended can keep its file for a moment.
!macro DeleteProgram file
  ${For} $R0 1 40
    ClearErrors
    Delete "${file}"
    ${IfNot} ${FileExists} "${file}"
      ${ExitFor}
    ${EndIf}
    Sleep 250
  ${Next}
!macroend

; Makes room for the program. One that is in use, by a prompt or an antivirus, cannot be replaced: the service that was stopped
; goes on with it, and nothing says that there is another version.
!macro MakeRoom file
  !insertmacro DeleteProgram "${file}"
  ${If} ${FileExists} "${file}"
    Delete "$INSTDIR\vetbridge.exe.new"
    DetailPrint "${file} is in use, so nothing was installed. Close every window in which vetbridge runs, and start this installer again."
    ${If} $1 == "running"
      !insertmacro Vetbridge "$2" "service start"
      ${If} $0 != 0
        DetailPrint "The service did not start again; the line above says why. It stays stopped until somebody types: vetbridge service start"
      ${EndIf}
    ${EndIf}
    SetErrorLevel 2
    Abort
  ${EndIf}
!macroend

; Gives a file the name of the program. An antivirus that looks at what was just written can keep it for a moment.
!macro RenameToProgram from
  ${For} $R0 1 40
    ClearErrors
    Rename "${from}" "$INSTDIR\vetbridge.exe"
    ${IfNot} ${Errors}
      ${ExitFor}
    ${EndIf}
    Sleep 250
  ${Next}
!macroend

Function .onInit
  SetRegView 64
  SetShellVarContext all
FunctionEnd

; A program that could not be written whole.
Function .onInstFailed
  Delete "$INSTDIR\vetbridge.exe.new"
FunctionEnd

Function un.onInit
  SetRegView 64
  SetShellVarContext all
FunctionEnd

Section
  ; Nothing is changed before it is known that the folder is one that administrators alone can fill. The program that finds out
  ; lies where nobody else can put anything beside it.
  InitPluginsDir
  File "/oname=$PLUGINSDIR\vetbridge.exe" "${PROGRAM}"
  !insertmacro Vetbridge "$PLUGINSDIR" 'service prepare --program-folder "$INSTDIR"'
  ${If} $0 != 0
    DetailPrint "Nothing was installed; the line above says why $INSTDIR cannot be the folder of the program."
    SetErrorLevel 2
    Abort
  ${EndIf}

  ; The program comes under another name first: if there is no room for it, the former one stays, and its service runs on. Nothing
  ; else is of use without the program, so that this cannot be skipped; with /S it would be, in silence.
  SetOutPath "$INSTDIR"
  AllowSkipFiles off
  File "/oname=vetbridge.exe.new" "${PROGRAM}"
  AllowSkipFiles on

  ; $1: how the service was before: none, stopped or running. $2: the folder of the version before.
  StrCpy $1 "none"
  ReadRegStr $2 HKLM "SYSTEM\CurrentControlSet\Services\vetbridge" "ImagePath"
  ${If} $2 != ""
    StrCpy $1 "stopped"
  ${EndIf}
  ReadRegStr $2 HKLM "Software\vetbridge" "Folder"
  ${If} $2 != ""
  ${AndIf} ${FileExists} "$2\vetbridge.exe"
    !insertmacro Vetbridge "$2" "service status"
    ${If} $0 == 0
      StrCpy $1 "running"
      !insertmacro Vetbridge "$2" "service stop"
      ${If} $0 != 0
        Delete "$INSTDIR\vetbridge.exe.new"
        DetailPrint "The service does not stop, so nothing was changed. Stop it and start the installer again."
        SetErrorLevel 2
        Abort
      ${EndIf}
    ${EndIf}
  ${EndIf}
  ; The one of the service last: until then it can go on.
  !insertmacro MakeRoom "$INSTDIR\vetbridge.exe"
  ${If} $2 != ""
    !insertmacro MakeRoom "$2\vetbridge.exe"
  ${EndIf}

  !insertmacro RenameToProgram "$INSTDIR\vetbridge.exe.new"
  ${IfNot} ${FileExists} "$INSTDIR\vetbridge.exe"
    DetailPrint "$INSTDIR\vetbridge.exe.new is in use, so it did not become vetbridge.exe, and no program is installed."
    DetailPrint "Start this installer again; if it stays so, have the antivirus leave $INSTDIR out."
    SetErrorLevel 2
    Abort
  ${EndIf}

  File "..\..\config\vetbridge.example.toml"
  File "/oname=windows.md" "..\..\docs\windows.md"
  File "/oname=THIRD-PARTY-NOTICES.txt" "${NOTICES}"
  File "..\..\LICENSE-APACHE"
  File "..\..\LICENSE-MIT"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKLM "Software\vetbridge" "Folder" "$INSTDIR"
  WriteRegStr HKLM "${UNINSTALL}" "DisplayName" "vetbridge"
  WriteRegStr HKLM "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKLM "${UNINSTALL}" "Publisher" "vetbridge"
  WriteRegStr HKLM "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKLM "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKLM "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKLM "${UNINSTALL}" "NoRepair" 1
  ; A prompt in the folder of the program, where its commands are typed.
  SetOutPath "$INSTDIR"
  CreateShortcut "$SMPROGRAMS\vetbridge prompt.lnk" "$SYSDIR\cmd.exe" '/k cd /d "$INSTDIR"' "$INSTDIR\vetbridge.exe"

  ; Closed to other users before a secret is put there.
  !insertmacro Vetbridge "$INSTDIR" "service prepare"
  ${If} $0 != 0
    DetailPrint "The directory $APPDATA\vetbridge is not closed to other users; the line above says why. Nothing was started."
    DetailPrint "Do what it says, and start this installer again."
    SetErrorLevel 2
    Abort
  ${EndIf}
  ${IfNot} ${FileExists} "$APPDATA\vetbridge\vetbridge.toml"
    CopyFiles /SILENT "$INSTDIR\vetbridge.example.toml" "$APPDATA\vetbridge\vetbridge.toml"
  ${EndIf}

  ; A service that ran goes on if the new program takes its configuration. One that somebody stopped stays so. Where there was
  ; none, it starts if all is well.
  ${If} $1 == "none"
    !insertmacro Vetbridge "$INSTDIR" '--config "$APPDATA\vetbridge\vetbridge.toml" check'
  ${Else}
    !insertmacro Vetbridge "$INSTDIR" '--config "$APPDATA\vetbridge\vetbridge.toml" check --offline'
  ${EndIf}
  ${If} $0 != 0
    DetailPrint "vetbridge is installed. Nothing was started, because the check above did not pass."
    DetailPrint "Open the vetbridge prompt as an administrator, correct $APPDATA\vetbridge\vetbridge.toml and type"
    DetailPrint "    vetbridge check"
    DetailPrint "    vetbridge service install --start"
    ${If} $1 == "running"
      SetErrorLevel 1
    ${EndIf}
  ${Else}
    ${If} $1 == "stopped"
      !insertmacro Vetbridge "$INSTDIR" '--config "$APPDATA\vetbridge\vetbridge.toml" service install'
    ${Else}
      !insertmacro Vetbridge "$INSTDIR" '--config "$APPDATA\vetbridge\vetbridge.toml" service install --start'
    ${EndIf}
    ${If} $0 != 0
      DetailPrint "vetbridge is installed, and its service is not as it should be; the lines above say why."
      SetErrorLevel 1
    ${EndIf}
  ${EndIf}
SectionEnd

Section Uninstall
  ; A service that stays needs its program, and this uninstaller for the next attempt.
  !insertmacro Vetbridge "$INSTDIR" "service uninstall"
  ${If} $0 != 0
    ReadRegStr $1 HKLM "SYSTEM\CurrentControlSet\Services\vetbridge" "ImagePath"
    ${If} $1 != ""
      DetailPrint "The service was not removed; the line above says why. Nothing else was removed either."
      DetailPrint "Do what it says, or type as an administrator: sc delete vetbridge. Then uninstall again."
      SetErrorLevel 2
      Abort
    ${EndIf}
  ${EndIf}
  !insertmacro DeleteProgram "$INSTDIR\vetbridge.exe"
  ${If} ${FileExists} "$INSTDIR\vetbridge.exe"
    DetailPrint "$INSTDIR\vetbridge.exe is in use. Close every window in which vetbridge runs, and uninstall again."
    SetErrorLevel 2
    Abort
  ${EndIf}
  Delete "$INSTDIR\vetbridge.exe.new"
  Delete "$INSTDIR\vetbridge.example.toml"
  Delete "$INSTDIR\windows.md"
  Delete "$INSTDIR\THIRD-PARTY-NOTICES.txt"
  Delete "$INSTDIR\LICENSE-APACHE"
  Delete "$INSTDIR\LICENSE-MIT"
  Delete "$INSTDIR\uninstall.exe"
  Delete "$SMPROGRAMS\vetbridge prompt.lnk"
  RMDir "$INSTDIR"
  DeleteRegKey HKLM "${UNINSTALL}"
  DeleteRegKey HKLM "Software\vetbridge"
  DetailPrint "Configuration, state and log are still in $APPDATA\vetbridge. Delete that directory if they are not wanted any more."
SectionEnd
